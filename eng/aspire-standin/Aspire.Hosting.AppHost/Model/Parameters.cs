using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.ApplicationModel
{
    public class ParameterResource : Resource, IExpressionValue, IResourceWithoutLifetime
    {
        private readonly Lazy<string> _value;

        internal ParameterResource(string name, Func<string> value, bool secret) : base(name)
            => (_value, Secret) = (new(value), secret);

        public bool Secret { get; }

        public string ValueExpression => $"{{{Name}.value}}";

        public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) => new(_value.Value);
    }
}

namespace Aspire.Hosting
{
    public class MissingParameterValueException(string message) : DistributedApplicationException(message);

    /// <summary>Values of a run, from configuration <c>Parameters:NAME</c> where it has them.</summary>
    public static class ParameterResourceBuilderExtensions
    {
        public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, string name, bool secret = false)
            => builder.Add(name, secret, () => throw new MissingParameterValueException(
                $"Parameter resource could not be used because configuration key 'Parameters:{name}' is missing."));

        public static IResourceBuilder<ParameterResource> AddParameter(
            this IDistributedApplicationBuilder builder, string name, string value, bool publishValueAsDefault = false, bool secret = false)
            => builder.Add(name, secret, () => value);

        private static IResourceBuilder<ParameterResource> Add(
            this IDistributedApplicationBuilder builder, string name, bool secret, Func<string> fallback)
            => builder
                .AddResource(new ParameterResource(
                    name, () => builder.Configuration[$"Parameters:{name}"] is { Length: > 0 } configured ? configured : fallback(), secret))
                .WithInitialState(new CustomResourceSnapshot
                {
                    ResourceType = "Parameter", State = KnownResourceStates.Running, Properties = [],
                });
    }
}
