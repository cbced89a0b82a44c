using FactoryMonitoring.Data;
using Npgsql;

namespace FactoryMonitoring.Tests.Unit.Consumers;

public sealed class DatabaseFaultTests
{
    [Theory]
    [InlineData("ERROR", "53100", DatabaseFault.NoRoom)]
    [InlineData("PANIC", "53100", DatabaseFault.NoRoom)]
    [InlineData("ERROR", "XX000", DatabaseFault.Refused)]
    // A server without disk space refuses a session with this: "could not write init file".
    [InlineData("FATAL", "XX000", DatabaseFault.SessionLost)]
    [InlineData("FATAL", "57P03", DatabaseFault.Transient)]
    public void What_ends_a_session_is_not_for_the_message_and_want_of_room_is_a_fault_of_its_own(string severity, string state, DatabaseFault expected) =>
        Assert.Equal(expected, DatabaseFaults.Of(new PostgresException("no", severity, severity, state)));

    [Fact]
    public void Want_of_room_is_found_in_what_it_has_caused()
    {
        Assert.True(DatabaseFaults.IsNoRoom(new NpgsqlException("the answer was lost", new PostgresException("no", "PANIC", "PANIC", "53100"))));
        Assert.False(DatabaseFaults.IsNoRoom(new PostgresException("no", "ERROR", "ERROR", "53200")));
    }
}
