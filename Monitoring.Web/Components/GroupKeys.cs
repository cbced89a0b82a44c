namespace FactoryMonitoring.Monitoring.Web.Components;

/// <summary>
/// Keys for groups whose members come and go: a group keeps its key as long as one member stays, so that what a user has opened stays open.
/// </summary>
internal sealed class GroupKeys<T>
    where T : notnull
{
    private Dictionary<T, int> _known = [];
    private int _last;

    /// <returns>One key for each group, in their order, none of them twice: of a group that was split, one part keeps the key.</returns>
    public int[] Of(IEnumerable<IReadOnlyList<T>> groups)
    {
        var (taken, known) = (new HashSet<int>(), new Dictionary<T, int>());
        int[] keys = [.. groups.Select(KeyOf)];
        _known = known;
        return keys;

        int KeyOf(IReadOnlyList<T> members)
        {
            var key = members.Select(member => _known.GetValueOrDefault(member)).FirstOrDefault(each => each > 0 && !taken.Contains(each));
            if (key == 0) key = ++_last;
            taken.Add(key);
            foreach (var member in members) known[member] = key;
            return key;
        }
    }
}
