using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;

namespace FactoryMonitoring.AppHost.Tests;

/// <summary>An archive like that of Apache Kafka's release: all files are below one directory.</summary>
internal sealed record KafkaArchive(byte[] Content)
{
    public const string Version = "4.3.1";
    public const string Name = "kafka_2.13-4.3.1.tgz";
    public const string Path = $"/{Version}/{Name}";

    /// <summary>The content of eng/kafka.version for this archive.</summary>
    public string Release => $"version={Version}\narchive={Name}\nsha512={Convert.ToHexStringLower(SHA512.HashData(Content))}\n";

    /// <summary>Returns an archive of the Apache Kafka in KAFKA_HOME; if that is not set, the same as <see cref="Small"/>.</summary>
    public static KafkaArchive OfHome() =>
        Environment.GetEnvironmentVariable("KAFKA_HOME") is { Length: > 0 } home ? Pack(home) : Small();

    /// <summary>Returns an archive with the files that identify a Kafka distribution, and one file that fills it up.</summary>
    /// <param name="without">Path of a file to leave out.</param>
    /// <param name="zeros">Size of one more file in bytes: it takes long to unpack and no space in the archive.</param>
    public static KafkaArchive Small(string? without = null, long zeros = 0)
    {
        using var directory = new TemporaryDirectory();
        var home = Directory.CreateDirectory(System.IO.Path.Combine(directory.Path, "kafka_2.13-4.3.1")).FullName;
        Write("bin/kafka-server-start.sh", [], UnixFileMode.UserExecute);
        Write("libs/kafka-clients-4.3.1.jar", RandomNumberGenerator.GetBytes(1_000_000), UnixFileMode.None);
        if (zeros > 0)
        {
            using var file = File.Create(System.IO.Path.Combine(home, "libs", "zeros"));
            file.SetLength(zeros);
        }
        return Pack(home);

        void Write(string path, byte[] content, UnixFileMode mode)
        {
            if (path == without) return;
            var file = System.IO.Path.Combine(home, path);
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, content);
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | mode);
        }
    }

    private static KafkaArchive Pack(string home)
    {
        using var content = new MemoryStream();
        using (var compressed = new GZipStream(content, CompressionLevel.Fastest, leaveOpen: true))
            TarFile.CreateFromDirectory(home, compressed, includeBaseDirectory: true);
        return new(content.ToArray());
    }
}
