using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.ApplicationModel
{
    /// <summary>Something whose value is known, at the latest, when a resource that uses it starts.</summary>
    public interface IValueProvider
    {
        ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default);
    }

    public interface IManifestExpressionProvider
    {
        string ValueExpression { get; }
    }

    public interface IExpressionValue : IValueProvider, IManifestExpressionProvider;

    public interface IValueWithReferences
    {
        IEnumerable<object> References { get; }
    }

    public interface IResourceWithConnectionString : IResource, IExpressionValue, IValueWithReferences
    {
        ReferenceExpression ConnectionStringExpression { get; }

        string? ConnectionStringEnvironmentVariable => null;

        string IManifestExpressionProvider.ValueExpression => $"{{{Name}.connectionString}}";

        IEnumerable<object> IValueWithReferences.References => [ConnectionStringExpression];

        ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) => GetConnectionStringAsync(cancellationToken);

        ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default)
            => ConnectionStringExpression.GetValueAsync(cancellationToken);

        /// <summary>Named parts of the connection, given to those that reference it as <c>NAME_PART</c>.</summary>
        IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties() => [];
    }

    /// <summary>A text with holes that are filled when it is needed.</summary>
    public class ReferenceExpression : IExpressionValue, IValueWithReferences
    {
        private ReferenceExpression(string format, IReadOnlyList<IValueProvider> valueProviders)
            => (Format, ValueProviders) = (format, valueProviders);

        public string Format { get; }

        public IReadOnlyList<IValueProvider> ValueProviders { get; }

        public string ValueExpression => string.Format(CultureInfo.InvariantCulture, Format,
            [.. ValueProviders.Select(provider => (object?)(provider as IManifestExpressionProvider)?.ValueExpression)]);

        IEnumerable<object> IValueWithReferences.References => ValueProviders;

        public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) => handler.Build();

        public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken)
        {
            var values = new object?[ValueProviders.Count];
            for (var i = 0; i < values.Length; i++)
                values[i] = await ValueProviders[i].GetValueAsync(cancellationToken);
            return string.Format(CultureInfo.InvariantCulture, Format, values);
        }

        [InterpolatedStringHandler]
        public readonly ref struct ExpressionInterpolatedStringHandler(int literalLength, int formattedCount)
        {
            private readonly StringBuilder _format = new(literalLength);
            private readonly List<IValueProvider> _providers = new(formattedCount);

            public void AppendLiteral(string value)
                => _format.Append(value.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal));

            public void AppendFormatted(string? value) => AppendLiteral(value ?? "");

            public void AppendFormatted<T>(T valueProvider) where T : IValueProvider, IManifestExpressionProvider
            {
                _format.Append('{').Append(_providers.Count).Append('}');
                _providers.Add(valueProvider);
            }

            public void AppendFormatted<T>(IResourceBuilder<T> valueProvider)
                where T : IResource, IValueProvider, IManifestExpressionProvider => AppendFormatted(valueProvider.Resource);

            internal ReferenceExpression Build() => new(_format.ToString(), _providers);
        }
    }

    public class ConnectionStringReference(IResourceWithConnectionString resource, bool optional) : IExpressionValue, IValueWithReferences
    {
        public IResourceWithConnectionString Resource => resource;

        string IManifestExpressionProvider.ValueExpression => resource.ValueExpression;

        IEnumerable<object> IValueWithReferences.References => [resource];

        async ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken)
        {
            var value = await resource.GetConnectionStringAsync(cancellationToken);
            return string.IsNullOrEmpty(value) && !optional
                ? throw new DistributedApplicationException($"The connection string for the resource '{resource.Name}' is not available.")
                : value;
        }
    }
}

namespace Aspire.Hosting
{
    public sealed class ConnectionStringResource(string name, ReferenceExpression connectionStringExpression)
        : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
    {
        public ReferenceExpression ConnectionStringExpression { get; } = connectionStringExpression;
    }
}
