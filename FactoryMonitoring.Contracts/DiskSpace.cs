namespace FactoryMonitoring.Contracts;

/// <summary>The free space on the disk that holds a server's data.</summary>
public static class DiskSpace
{
    /// <summary>
    /// The bytes that PostgreSQL and Kafka need to continue: PostgreSQL writes whole WAL segments of 16 MiB each, and needs one of them to start after a
    /// crash.
    /// </summary>
    public const long Least = 32L << 20;

    /// <summary>The bytes below which the disk needs an operator's attention.</summary>
    public const long Low = 512L << 20;

    /// <returns>
    /// The bytes on the directory's disk that are free for users other than root; null if unknown, for example while the directory does not exist.
    /// </returns>
    public static long? Free(string directory)
    {
        try
        {
            // Of the mount that the directory is on; on Windows, of its drive.
            return new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(Path.GetFullPath(directory))! : directory).AvailableFreeSpace;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Describes the free space as the end of a sentence: "no space left on its disk".</summary>
    /// <param name="free">Bytes.</param>
    /// <param name="disk">The disk's name in the sentence.</param>
    public static string Describe(long free, string disk = "its disk") =>
        free < 1L << 20 ? $"no space left on {disk}" : FormattableString.Invariant($"only {free >> 20} MB left on {disk}");
}

/// <summary>Conditions that consumers and sensors report and other services interpret.</summary>
public static class Conditions
{
    /// <summary>The database refuses writes because its disk is full.</summary>
    public const string NoRoom = "the database has no room left";
}
