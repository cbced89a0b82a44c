using System.Text.RegularExpressions;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.ApplicationModel
{
    public class ContainerResource(string name, string? entrypoint = null) : Resource(name), IResourceWithEnvironment, IResourceWithArgs,
        IResourceWithEndpoints, IResourceWithWaitSupport
    {
        public string? Entrypoint { get; set; } = entrypoint;
    }

    public sealed class ContainerImageAnnotation : IResourceAnnotation
    {
        public required string Image { get; set; }

        public string? Tag { get; set; }

        public string? SHA256 { get; set; }

        internal string Reference => Image + (SHA256 is null ? ":" + (Tag ?? "latest") : "@sha256:" + SHA256);
    }

    public enum ContainerMountType
    {
        BindMount,
        Volume,
    }

    public sealed class ContainerMountAnnotation(string? source, string target, ContainerMountType type, bool isReadOnly) : IResourceAnnotation
    {
        public string? Source => source;

        public string Target => target;

        public ContainerMountType Type => type;

        public bool IsReadOnly => isReadOnly;
    }
}

namespace Aspire.Hosting
{
    public static partial class ContainerResourceBuilderExtensions
    {
        /// <summary>Takes a whole reference, registry, tag and digest included.</summary>
        public static IResourceBuilder<T> WithImage<T>(this IResourceBuilder<T> builder, string image, string? tag = null) where T : ContainerResource
        {
            var match = Reference().Match(image);
            if (!match.Success)
                throw new DistributedApplicationException($"'{image}' is no reference to an image.");
            if (tag is not null && match.Groups["tag"].Success)
                throw new InvalidOperationException("Ambiguous tags - a tag was provided on both the 'tag' and 'image' parameters");
            return builder.WithAnnotation(new ContainerImageAnnotation
            {
                Image = match.Groups["name"].Value,
                Tag = match.Groups["digest"].Success ? null : match.Groups["tag"].Success ? match.Groups["tag"].Value : tag ?? "latest",
                SHA256 = match.Groups["digest"].Success ? match.Groups["digest"].Value : null,
            }, ResourceAnnotationMutationBehavior.Replace);
        }

        public static IResourceBuilder<T> WithVolume<T>(this IResourceBuilder<T> builder, string? name, string target, bool isReadOnly = false)
            where T : ContainerResource => builder.WithAnnotation(new ContainerMountAnnotation(name, target, ContainerMountType.Volume, isReadOnly));

        public static IResourceBuilder<T> WithBindMount<T>(this IResourceBuilder<T> builder, string source, string target, bool isReadOnly = false)
            where T : ContainerResource => builder.WithAnnotation(new ContainerMountAnnotation(
                Path.GetFullPath(source, builder.ApplicationBuilder.AppHostDirectory), target, ContainerMountType.BindMount, isReadOnly));

        // A colon begins a tag only after the last slash; before it, it is a registry's port.
        [GeneratedRegex("^(?<name>[^@]+?)(:(?<tag>[^:/@]+))?(@sha256:(?<digest>[0-9a-f]{64}))?$", RegexOptions.ExplicitCapture)]
        private static partial Regex Reference();
    }
}
