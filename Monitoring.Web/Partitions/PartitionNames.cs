namespace FactoryMonitoring.Monitoring.Web.Partitions;

/// <summary>Many partitions in few words.</summary>
internal static class PartitionNames
{
    private const int MostParts = 8;

    /// <summary>P0, P2–P5; of partitions that fall into more parts than a line has room for, how many they are: 200 partitions.</summary>
    /// <param name="partitions">In any order, each once.</param>
    public static string Of(IEnumerable<int> partitions)
    {
        int[] all = [.. partitions.Order()];
        var names = new List<string>();
        for (var first = 0; first < all.Length;)
        {
            var last = first;
            while (last + 1 < all.Length && all[last + 1] == all[last] + 1) last++;
            if (last - first >= 2) names.Add($"P{all[first]}–P{all[last]}");
            else names.AddRange(all[first..(last + 1)].Select(partition => $"P{partition}"));
            first = last + 1;
        }
        return names.Count > MostParts ? Display.Plural(all.Length, "partition") : string.Join(", ", names);
    }
}
