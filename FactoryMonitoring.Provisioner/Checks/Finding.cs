namespace FactoryMonitoring.Provisioner.Checks;

/// <summary>The result of a check of brokers or database, as `make doctor` prints it.</summary>
internal sealed record Finding(bool Well, string Subject, string Text)
{
    public override string ToString() => $"{(Well ? "ok  " : "FAIL")}  {Subject,-20} {Text}";
}
