namespace FactoryMonitoring.Contracts;

/// <summary>How much room is left where a server keeps its data.</summary>
public static class DiskSpace
{
    /// <summary>
    /// Bytes without which PostgreSQL and Kafka cannot go on: PostgreSQL writes whole segments of its log, 16 MiB each, and needs one of them to start
    /// after a crash.
    /// </summary>
    public const long Least = 32L << 20;

    /// <summary>Bytes below which somebody should look.</summary>
    public const long Low = 512L << 20;

    /// <returns>The bytes that are left on the disk of the directory for users other than root; null where it cannot be told, for example while there is no such directory.</returns>
    public static long? Free(string directory)
    {
        try
        {
            // Of the mount that the directory is on; elsewhere than on Unix of its drive.
            return new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(Path.GetFullPath(directory))! : directory).AvailableFreeSpace;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>What is left, as a sentence goes on with it: "no space left on its disk".</summary>
    /// <param name="free">Bytes.</param>
    /// <param name="disk">Whose.</param>
    public static string Describe(long free, string disk = "its disk") =>
        free < 1L << 20 ? $"no space left on {disk}" : FormattableString.Invariant($"only {free >> 20} MB left on {disk}");
}

/// <summary>What consumers and sensors say of themselves, where others have to understand it.</summary>
public static class Conditions
{
    /// <summary>The database refuses what does not fit on its disk.</summary>
    public const string NoRoom = "the database has no room left";
}
