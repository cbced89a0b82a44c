using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>Why a message is no reading: the closed set of reasons.</summary>
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

    /// <summary>The database's, not the parser's.</summary>
    RefusedByDatabase,

    /// <summary>Of a batch of records that the client cannot decompress.</summary>
    Unreadable,

    /// <summary>No reason: whether it is a reading is known once the Schema Registry has told its schema. It is to be read again.</summary>
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
