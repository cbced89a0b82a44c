using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>Why a message is not a reading: a fixed set of reasons.</summary>
internal enum Rejection
{
    None = 0,
    Empty,
    Oversized,
    MalformedJson,
    MissingField,
    WrongType,
    InvalidTimestamp,
    InvalidValue,
    InvalidAlertLevel,
    InvalidText,
    TooLong,

    /// <summary>NaN, an infinity, null, a word for these, or no value at all.</summary>
    NoValue,

    /// <summary>Set for a refusal by the database, not by the parser.</summary>
    RefusedByDatabase,

    /// <summary>The message is in a batch of records that the client cannot decompress.</summary>
    Unreadable,

    /// <summary>Not a rejection: whether it is a reading is known once the Schema Registry has returned its schema. It must be read again.</summary>
    AwaitsSchema = -1,
}

internal static class Rejections
{
    private static readonly string[] Names =
    [
        "none", "empty", "oversized", "malformed_json", "missing_field", "wrong_type", "invalid_timestamp", "invalid_value", "invalid_alert_level",
        "invalid_text", "too_long", "no_value", RejectionReasons.RefusedByDatabase,
        "unreadable",
    ];

    public static string NameOf(Rejection rejection) => Names[(int)rejection];
}
