using System.Collections;
using System.Globalization;
using System.Runtime.InteropServices;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Processes;

/// <summary>With which command, arguments, directory and environment an instance of a resource is started.</summary>
internal sealed record LaunchPlan(
    string Command, IReadOnlyList<string> Arguments, string WorkingDirectory,
    IReadOnlyDictionary<string, string> Inherited, IReadOnlyDictionary<string, string> Added)
{
    private static readonly string[] NotInherited = ["ASPNETCORE_URLS", "DOTNET_LAUNCH_PROFILE", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT"];

    internal static async Task<LaunchPlan> CreateAsync(IResource resource, int replica, CancellationToken cancellationToken)
    {
        Dictionary<string, string> inherited = new(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            if (!NotInherited.Contains((string)variable.Key))
                inherited[(string)variable.Key] = (string)variable.Value!;

        EnvironmentCallbackContext variables = new(resource) { Replica = replica };
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>().ToList())
            annotation.Callback(variables);
        Dictionary<string, string> added = new(StringComparer.Ordinal);
        foreach (var (name, value) in variables.EnvironmentVariables)
            if (await ResolveAsync(value, cancellationToken) is { } text)
                added[name] = text;

        CommandLineArgsCallbackContext arguments = new([]);
        foreach (var annotation in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToList())
            annotation.Callback(arguments);
        List<string> texts = [];
        foreach (var argument in arguments.Args)
            if (await ResolveAsync(argument, cancellationToken) is { } text)
                texts.Add(text);

        if (resource is ContainerResource)
            return new("", texts, Environment.CurrentDirectory, inherited, added); // completed when the container is made
        return resource is ExecutableResource executable
            ? new(Find(executable.Command, executable.WorkingDirectory, added.GetValueOrDefault("PATH") ?? inherited.GetValueOrDefault("PATH")),
                texts, executable.WorkingDirectory, inherited, added)
            : OfProject(resource, texts, inherited, added);
    }

    /// <summary>
    /// The program that the build has made, started directly, so that the process is the service itself. It finds the runtime as
    /// under <c>dotnet run</c>: by DOTNET_ROOT.
    /// </summary>
    private static LaunchPlan OfProject(
        IResource resource, List<string> arguments, Dictionary<string, string> inherited, Dictionary<string, string> added)
    {
        var metadata = resource.Annotations.OfType<IProjectMetadata>().Last();
        var assembly = (metadata as IBuiltProject)?.TargetPath
            ?? throw new DistributedApplicationException($"Where the project of '{resource.Name}' is built to is not known.");
        var root = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        var suffix = OperatingSystem.IsWindows() ? ".exe" : "";
        inherited.TryAdd("DOTNET_ROOT", root);
        var program = Path.ChangeExtension(assembly, null) + suffix;
        if (!File.Exists(program))
            (program, arguments) = (Path.Combine(root, "dotnet" + suffix), [assembly, .. arguments]);
        return File.Exists(assembly)
            ? new(program, arguments, Path.GetDirectoryName(metadata.ProjectPath)!, inherited, added)
            : throw new DistributedApplicationException($"The project of '{resource.Name}' is not built: there is no '{assembly}'.");
    }

    private static string Find(string command, string workingDirectory, string? path)
    {
        if (!Directory.Exists(workingDirectory))
            throw new DistributedApplicationException($"There is no directory '{workingDirectory}' to start '{command}' in.");
        var places = command.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? [workingDirectory]
            : (path ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return places.Select(place => Path.GetFullPath(command, Path.GetFullPath(place, workingDirectory))).FirstOrDefault(File.Exists)
            ?? throw new DistributedApplicationException($"There is no program '{command}'.");
    }

    private static async ValueTask<string?> ResolveAsync(object? value, CancellationToken cancellationToken) => value switch
    {
        null => null,
        string text => text,
        IValueProvider provider => await provider.GetValueAsync(cancellationToken),
        IResourceBuilder<IResource> { Resource: IValueProvider provider } => await provider.GetValueAsync(cancellationToken),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };
}
