using System.Globalization;
using System.Text.Json;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

internal sealed partial class ValueForms
{
    /// <summary>Entities of NGSI v2 (normalized or as keys and values) and NGSI-LD, and notifications that contain them.</summary>
    private bool Ngsi(JsonElement root)
    {
        if (root.TryGetProperty("subscriptionId", out _) && Has(root, "data", JsonValueKind.Array))
        {
            var noticed = Member(root, "notifiedAt");
            var isAny = false;
            foreach (var (index, entity) in root.GetProperty("data").EnumerateArray().Index())
            {
                isAny |= entity.ValueKind == JsonValueKind.Object && ReadEntity(entity, string.Create(CultureInfo.InvariantCulture, $"data/{index}/"), noticed);
            }

            return isAny;
        }

        return ReadEntity(root, "", null);
    }

    private bool ReadEntity(JsonElement entity, string place, JsonElement? noticed)
    {
        if (!(Text(entity, "id") is { Length: > 0 } id && Text(entity, "type") is not null))
        {
            return false;
        }

        // Other objects also have an id and a type; an NGSI attribute has both a type and a value.
        var attributes = entity.EnumerateObject().Where(member => member.Value.ValueKind == JsonValueKind.Object && member.Value.TryGetProperty("value", out _) && member.Value.TryGetProperty("type", out _)).ToList();
        var isPlain = attributes.Count == 0;
        var time = ValueOf(entity, "TimeInstant") ?? ValueOf(entity, "dateObserved") ?? ValueOf(entity, "observedAt") ?? ValueOf(entity, "dateModified") ?? noticed;
        if (isPlain)
        {
            // Without a time, only an entity that identifies its standard is accepted.
            if (time is null && !(entity.TryGetProperty("@context", out _) || id.StartsWith("urn:ngsi-ld:", StringComparison.Ordinal)))
            {
                return false;
            }

            _values.AddAll(entity, place, id, time: time);
            return true;
        }

        foreach (var attribute in attributes)
        {
            var (value, at) = (attribute.Value, place + FormValues.Escaped(attribute.Name));
            var metadata = Has(value, "metadata", JsonValueKind.Object) ? value.GetProperty("metadata") : default;
            JsonElement? Note(string name) => metadata.ValueKind == JsonValueKind.Object ? ValueOf(metadata, name) : null;
            var number = value.GetProperty("value");
            if (number.ValueKind is not (JsonValueKind.Number or JsonValueKind.Null) && !(number.ValueKind == JsonValueKind.String && Text(value, "type") is "Number" or "Float" or "Integer"))
            {
                continue;
            }

            var code = Text(value, "unitCode") ?? (Note("unitCode") is { ValueKind: JsonValueKind.String } written ? written.GetString() : null);
            var known = code is { Length: > 0 and <= ReadingParser.MaxUnitLength } ? MeasuredNames.Of(attribute.Name, UnitCodes.SymbolOf(code)) : names.Find(attribute.Name);
            if (known is not null)
            {
                _values.Add($"{at}/value", known, number, id, known.Part, Member(value, "observedAt") ?? Note("TimeInstant") ?? Note("timestamp") ?? Note("dateObserved") ?? time);
            }
            else if (number.ValueKind == JsonValueKind.Number)
            {
                _values.Pass($"{at}/value");
            }
        }

        return true;
    }

    private static JsonElement? ValueOf(JsonElement entity, string name) => Has(entity, name, JsonValueKind.Object) ? Member(entity.GetProperty(name), "value") : Member(entity, name);
}
