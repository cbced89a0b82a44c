using FactoryMonitoring.Replay;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>Rows of several devices are never one sensor.</summary>
public sealed class DevicesInRowsTests : ReplayFileTest
{
    [Theory]
    [InlineData(
        "ts,sensor_id,temperature,humidity\n2024-01-01 00:00,a,20,50\n2024-01-01 00:00,b,58,60\n2024-01-01 00:01,a,21,51\n2024-01-01 00:01,b,59,61\n",
        "replay-a-temperature temperature °C 20 21|replay-a-humidity humidity % 50 51|replay-b-temperature temperature °C 58 59|replay-b-humidity humidity % 60 61")]
    [InlineData(
        "sensor_id;sensor_type;location;lat;lon;timestamp;temperature;humidity\n141;BME280;65;48.8;9.2;2024-01-01T00:00:00;5.5;80\n163;BME280;70;48.9;9.3;2024-01-01T00:00:01;4.5;81\n141;BME280;65;48.8;9.2;2024-01-01T00:02:30;5.6;82\n163;BME280;70;48.9;9.3;2024-01-01T00:02:31;4.6;83\n",
        "replay-141-lat lat  48.8 48.8|replay-141-lon lon  9.2 9.2|replay-141-temperature temperature °C 5.5 5.6|replay-141-humidity humidity % 80 82|replay-163-lat lat  48.9 48.9|replay-163-lon lon  9.3 9.3|replay-163-temperature temperature °C 4.5 4.6|replay-163-humidity humidity % 81 83")]
    [InlineData(
        "Name,TimeStamp,Value,Quality\nT1,2024-01-01 00:00,20,192\nT2,2024-01-01 00:00,30,192\nT1,2024-01-01 00:01,21,192\nT2,2024-01-01 00:01,31,0\n",
        "replay-t1 t1  20 21|replay-t2 t2  30 31")]
    [InlineData(
        "VarName;TimeString;VarValue;Validity;Time_ms\nT1;01.02.2024 10:00:00;20,5;1;45323416666,7\nT2;01.02.2024 10:00:00;30,5;1;45323416666,7\nT1;13.02.2024 10:00:00;21,5;1;45335416666,7\n",
        "replay-t1 t1  20.5 21.5|replay-t2 t2  30.5 30.5")]
    [InlineData(
        "sensorId,createdAt,value,lat,lon\nx,2024-01-01T00:00:00Z,1,50,8\ny,2024-01-01T00:00:00Z,2,51,9\nx,2024-01-01T00:01:00Z,3,50,8\n",
        "replay-x x  1 3|replay-y y  2 2")]
    [InlineData(
        "ts,device,co,humidity,temp\n1594512094.38,b8:27,0.005,51,22.7\n1594512094.73,00:0f,0.003,76,19.7\n1594512098.07,b8:27,0.005,50,22.6\n",
        "replay-b8-27-co co  0.005 0.005|replay-b8-27-humidity humidity % 50 51|replay-b8-27-temp temperature °C 22.6 22.7|replay-00-0f-co co  0.003 0.003|replay-00-0f-humidity humidity % 76 76|replay-00-0f-temp temperature °C 19.7 19.7")]
    [InlineData(
        "time,press,force [N],heat\n2024-01-01 00:00,left,1,5\n2024-01-01 00:00,right,100,6\n2024-01-01 00:01,left,2,5\n2024-01-01 00:01,right,101,6\n",
        "replay-left-force force N 1 2|replay-left-heat heat  5 5|replay-right-force force N 100 101|replay-right-heat heat  6 6")]
    [InlineData(
        "2024-01-01 00:00,left,1\n2024-01-01 00:00,right,100\n2024-01-01 00:01,left,2\n2024-01-01 00:01,right,101\n",
        "replay-left value  1 2|replay-right value  100 101")]
    [InlineData(
        "time,plant,a,b\n2024-01-01,north,1,5\n2024-01-02,north,2,6\n2024-01-01,south,100,7\n2024-01-02,south,101,8\n",
        "replay-north-a a  1 2|replay-north-b b  5 6|replay-south-a a  100 101|replay-south-b b  7 8")]
    [InlineData(
        "time,plant,a,b\n2024-01-02,north,1,5\n2024-01-02,south,100,6\n2024-01-01,north,2,7\n2024-01-01,south,101,8\n",
        "replay-north-a a  1 2|replay-north-b b  5 7|replay-south-a a  100 101|replay-south-b b  6 8")]
    [InlineData(
        "time,machine,room,a,b\n2024-01-01,m1,hall,1,5\n2024-01-01,m2,hall,2,6\n2024-01-02,m1,hall,3,7\n2024-01-02,m2,hall,4,8\n",
        "replay-m1-a a  1 3|replay-m1-b b  5 7|replay-m2-a a  2 4|replay-m2-b b  6 8")]
    [InlineData(
        "time,turbine_id,power_kW,wind\n2024-01-01 00:00,1,10,5\n2024-01-01 00:00,2,50,6\n2024-01-01 00:01,1,11,5\n2024-01-01 00:01,2,51,6\n",
        "replay-1-power energy kW 10 11|replay-1-wind wind  5 5|replay-2-power energy kW 50 51|replay-2-wind wind  6 6")]
    [InlineData(
        "TurbID,time,flow\n1,2024-01-01 00:00,10\n1,2024-01-01 00:01,11\n1,2024-01-01 00:02,12\n2,2024-01-01 00:00,50\n2,2024-01-01 00:01,51\n2,2024-01-01 00:02,52\n",
        "replay-1 1  10 12|replay-2 2  50 52")]
    [InlineData(
        "Site Num,Parameter Name,Date,Time,Sample Measurement\n1,Ozone,2024-01-01,00:00,0.5\n2,Ozone,2024-01-01,00:00,0.6\n1,Ozone,2024-01-01,01:00,0.7\n2,Ozone,2024-01-01,01:00,0.8\n",
        "replay-1 1  0.5 0.7|replay-2 2  0.6 0.8")]
    [InlineData(
        "DateTime,TagName,Value,vValue,Quality,QualityDetail,OPCQuality,wwTagKey\n2024-01-01 00:00,Tank1.Temp,20,20,0,192,192,7\n2024-01-01 00:00,Tank2.Temp,30,30,0,192,192,8\n2024-01-01 00:01,Tank1.Temp,21,21,0,192,192,7\n2024-01-01 00:01,Tank2.Temp,31,31,0,192,192,8\n",
        "replay-tank1.temp temperature °C 20 21|replay-tank2.temp temperature °C 30 31")]
    [InlineData("time,name,a,b\n2024-01-01,Berlin,1,5\n2024-01-02,Berlin,2,6\n", "replay-a a  1 2|replay-b b  5 6")]
    public void Each_device_has_its_own_sensors(string text, string sensors) =>
        Assert.Equal(sensors.Split('|'), CheckText(text).Columns.Select(column => FormattableString.Invariant($"{column.SensorId} {column.SensorType} {column.Unit} {column.Least} {column.Most}")));

    [Theory]
    [InlineData("time,state,a,b\n2024-01-01 00:00,on,1,5\n2024-01-01 00:01,off,2,6\n2024-01-01 00:02,on,3,7\n2024-01-01 00:03,off,4,8\n")]
    [InlineData("time,state,a,b\n2024-01-01 00:00,on,1,5\n2024-01-01 00:00,on,2,6\n2024-01-01 00:01,off,3,7\n2024-01-01 00:01,off,4,8\n")]
    [InlineData("time,state,a,b\n2024-01-01 00:00,on,1,5\n2024-01-01 00:01,on,2,6\n2024-01-01 00:01,off,3,7\n2024-01-01 00:02,off,4,8\n2024-01-01 00:03,on,4,8\n")]
    [InlineData("time,weather_description,a,b\n2024-01-01 00:00,mist,1,5\n2024-01-01 00:00,rain,2,6\n2024-01-01 00:01,mist,3,7\n2024-01-01 00:01,rain,4,8\n")]
    [InlineData("time,DeviceStatus,a,b\n2024-01-01 00:00,on,1,5\n2024-01-01 00:00,off,2,6\n2024-01-01 00:01,on,3,7\n2024-01-01 00:01,off,4,8\n")]
    [InlineData("time,state,a,b\n2024-01-01 00:03,on,1,5\n2024-01-01 00:02,off,2,6\n2024-01-01 00:01,on,3,7\n2024-01-01 00:00,off,4,8\n")]
    public void A_text_beside_the_values_is_no_device(string text) => Assert.Equal(["a", "b"], CheckText(text).Columns.Select(column => column.Name));

    [Fact]
    public void A_quality_that_changes_where_a_time_repeats_is_no_device() => Assert.Equal(
        ["replay-sensor-001"],
        CheckText("Timestamp,Value,Quality\n2024-01-01 00:00:00,21.5,Good\n2024-01-01 00:01:00,21.6,Good\n2024-01-01 00:01:00,21.6,Uncertain\n2024-01-01 00:02:00,21.7,Uncertain\n2024-01-01 00:03:00,21.8,Good\n").Columns.Select(column => column.SensorId));

    [Theory]
    [InlineData(
        "time,pump,flow\n2024-01-01 00:00,1,10\n2024-01-01 00:00,2,50\n2024-01-01 00:01,1,11\n2024-01-01 00:01,2,51\n",
        "column 2 (pump) may name the sensor of each row, because times that repeat or go back do not among the rows of one name: give NameColumn=2, or NameColumn=none where all rows are of one sensor")]
    [InlineData("time,pump,flow\n2024-01-01 00:00,1,10\n2024-01-01 00:01,1,11\n2024-01-01 00:02,1,12\n2024-01-01 00:00,2,50\n2024-01-01 00:01,2,51\n2024-01-01 00:02,2,52\n", "column 2 (pump) may name the sensor of each row")]
    [InlineData(
        "time,hall,pump,flow\n2024-01-01 00:00,1,1,10.5\n2024-01-01 00:00,1,2,50\n2024-01-01 00:00,2,1,10\n2024-01-01 00:00,2,2,50\n2024-01-01 00:01,1,1,11\n2024-01-01 00:01,1,2,51\n2024-01-01 00:01,2,1,10\n2024-01-01 00:01,2,2,50\n",
        "column 2 (hall) and column 3 (pump) together may name the sensor of each row")]
    // A state under a name that is not known: one time repeats at its change.
    [InlineData(
        "Timestamp,Value,Zustandswort\n2024-01-01 00:00:00,21.5,Good\n2024-01-01 00:01:00,21.6,Good\n2024-01-01 00:01:00,21.6,Uncertain\n2024-01-01 00:02:00,21.7,Uncertain\n2024-01-01 00:03:00,21.8,Good\n",
        "column 3 (Zustandswort) may name the sensor of each row")]
    [InlineData("time,a,kind,v\n2024-01-01 00:05,1,2,1.5\n2024-01-01 00:03,1,2,2.5\n2024-01-01 00:06,2,2,3.5\n2024-01-01 00:02,1,3,3\n2024-01-01 00:07,1,3,3\n", "and no column tells whose rows these are")]
    public void A_column_that_may_name_the_device_is_asked_for(string text, string message)
    {
        Assert.Contains(message, Refused(text), StringComparison.Ordinal);
        Assert.Contains(CheckText(text, new() { NameColumn = "none" }).Columns, column => column.Name is "flow" or "v" or "Value");
    }

    [Theory]
    // A clock of minutes, and values that happen to be whole.
    [InlineData("rpm,temp", 3)]
    [InlineData("alarm,temp", 0)]
    public void A_coarse_clock_is_no_device(string header, int factor)
    {
        var rows = Enumerable.Range(0, 600).Select(row => FormattableString.Invariant($"{DateTime.UnixEpoch.AddMinutes(row / 6):yyyy-MM-dd HH:mm},{row * 7 % 41 * factor},{row * 0.1}\n"));
        Assert.Equal(header.Split(','), CheckText($"time,{header}\n{string.Concat(rows)}").Columns.Select(column => column.Name));
    }

    [Theory]
    [InlineData("turbine_id", true)]
    [InlineData("turbine", false)]
    public void The_number_of_a_device_that_comes_late_is_found_or_asked_for(string name, bool isSure)
    {
        var text = $"time,{name},a,b\n" + string.Concat(Enumerable.Range(0, 3).SelectMany(turbine => Enumerable.Range(0, 3500).Select(second => $"{DateTime.UnixEpoch.AddSeconds(second):yyyy-MM-dd HH:mm:ss},{turbine + 1},0.{turbine},{second}.5\n")));
        if (isSure)
        {
            Assert.Equal(["1-a", "1-b", "2-a", "2-b", "3-a", "3-b"], CheckText(text).Columns.Select(column => column.Name));
        }
        else
        {
            Assert.Contains("column 2 (turbine) may name the sensor of each row", Refused(text), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Many_devices_of_one_time_are_found()
    {
        var rows = from step in Enumerable.Range(0, 3) from device in Enumerable.Range(0, 2000) select FormattableString.Invariant($"2024-01-01 0{step}:00,{device},{device}.5\n");
        Assert.Equal(2000, CheckText($"time,building_id,v\n{string.Concat(rows)}").Columns.Count);
    }

    [Fact]
    public void A_device_that_comes_late_in_the_file_is_its_own()
    {
        var text = "time,station,a,b\n" + string.Concat(new[] { "north", "south" }.SelectMany((name, place) => Enumerable.Range(0, 4000).Select(second =>
            $"{DateTime.UnixEpoch.AddSeconds(second + (place * 4000)):yyyy-MM-dd HH:mm:ss},{name},{place},{second}\n")));
        Assert.Equal(["north-a", "north-b", "south-a", "south-b"], CheckText(text).Columns.Select(column => column.Name));
    }

    [Fact]
    public void Each_row_has_the_values_of_its_device()
    {
        const string Text = "ts,box,a,b,c\n2024-01-01,x,1,,5\n2024-01-01,y,2,3,\n2024-01-02,x,4,,6\n";
        var plan = CheckText(Text, new() { NameColumn = "box", Types = "a=energy", Units = "b=V", SensorId = "lab" });

        Assert.Equal(
            [("lab-x-a", "energy", "kW"), ("lab-x-c", "c", ""), ("lab-y-a", "energy", "kW"), ("lab-y-b", "b", "V")],
            plan.Columns.Select(column => (column.SensorId, column.SensorType, column.Unit)));
        Assert.Equal(
            ["0: 1 5", "2: 2 3", "0: 4 6"],
            plan.Read().Select(row => FormattableString.Invariant($"{row.Only}: {string.Join(' ', row.Values)}")));
        Assert.Equal((3L, 9L, 7L - 1), (plan.Rows, plan.Cells, plan.Readings));
        Assert.Contains("3, 3 values each, whose device column 2 (box) names", ReplayPreview.Text(plan, name => name), StringComparison.Ordinal);
    }

    [Fact]
    public void Columns_choose_among_the_values_of_each_device() => Assert.Equal(
        ["a-h", "a-t", "b-h", "b-t"],
        CheckText("ts,device,h,p,t\n2024-01-01,a,1,2,3\n2024-01-01,b,4,5,6\n", new() { Columns = "h,t" }).Columns.Select(column => column.Name));

    [Fact]
    public void Two_names_that_do_not_tell_each_other_are_asked_for() => Assert.Equal(
        "column 2 (device) and column 3 (room) may name the sensor of each row: give NameColumn=one of them, NameColumn=2,3 where two are one name, or NameColumn=none where neither does",
        Refused("ts,device,room,h,p\n2024-01-01,a,k,2,3\n2024-01-02,a,l,4,5\n2024-01-03,b,k,2,3\n2024-01-04,b,l,4,5\n"));

    [Theory]
    // In turn, one series after another, and with three tags, which InfluxDB's number tells apart.
    [InlineData("_field,_measurement,host", "hum,m,a|hum,m,b|temp,m,a|temp,m,b", true, "hum / a,hum / b,temp / a,temp / b")]
    [InlineData("_field,_measurement,host", "hum,m,a|hum,m,b|temp,m,a|temp,m,b", false, "hum / a,hum / b,temp / a,temp / b")]
    [InlineData("_field,host,cpu", "f,a,0|f,a,1|f,b,0|f,b,1|g,a,0|g,a,1|g,b,0|g,b,1", true, "0,1,2,3,4,5,6,7")]
    [InlineData("host", "a|b", true, "a,b")]
    [InlineData("host,cpu", "a,0|a,1|b,0|b,1", true, "a / 0,a / 1,b / 0,b / 1")]
    [InlineData("note", "|||", false, "0,1,2,3")]
    public void Each_series_of_InfluxDB_is_a_sensor(string tags, string series, bool isInTurn, string names)
    {
        var rows = from step in Enumerable.Range(0, 5)
            from tag in series.Split('|').Index()
            orderby isInTurn ? step : tag.Index, isInTurn ? tag.Index : step
            select FormattableString.Invariant($",,{tag.Index},2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,2024-01-01T00:0{step}:00Z,{(tag.Index * 10) + step},{tag.Item}\n");
        var plan = CheckText($",result,table,_start,_stop,_time,_value,{tags}\n{string.Concat(rows)}");

        Assert.Equal(names.Split(','), plan.Columns.Select(column => column.Name));
        Assert.Equal(Enumerable.Range(0, plan.Columns.Count).Select(index => (index * 10.0, (index * 10.0) + 4)), plan.Columns.Select(column => (column.Least, column.Most)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Two_texts_that_name_the_sensor_together_are_found_whatever_their_names(bool isInTurn)
    {
        var pairs = new[] { "north,inlet", "north,outlet", "south,inlet", "south,outlet" };
        var rows = from step in Enumerable.Range(0, 6) from pair in pairs.Index() orderby isInTurn ? step : pair.Index, isInTurn ? pair.Index : step select FormattableString.Invariant($"2024-01-01 00:0{step},{pair.Item},{(pair.Index * 10) + step}\n");
        var plan = CheckText($"time,wing,flow,v\n{string.Concat(rows)}");

        Assert.Equal(["north / inlet", "north / outlet", "south / inlet", "south / outlet"], plan.Columns.Select(column => column.Name));
        Assert.Equal([0.0, 10, 20, 30], plan.Columns.Select(column => column.Least));
    }

    [Fact]
    public void Two_texts_that_name_the_sensor_late_in_the_file_are_found()
    {
        var pairs = new[] { "north,inlet", "north,outlet", "south,inlet", "south,outlet" };
        var rows = from pair in pairs.Index() from second in Enumerable.Range(0, 3500) select FormattableString.Invariant($"{DateTime.UnixEpoch.AddSeconds(second):yyyy-MM-dd HH:mm:ss},{pair.Item},{pair.Index}\n");
        var plan = CheckText($"time,wing,flow,v\n{string.Concat(rows)}");

        Assert.Equal([("north / inlet", 0.0), ("north / outlet", 1), ("south / inlet", 2), ("south / outlet", 3)], plan.Columns.Select(column => (column.Name, column.Most)));
    }

    [Fact]
    public void Texts_that_only_three_together_tell_the_rows_apart_are_asked_for()
    {
        var rows = from step in Enumerable.Range(0, 5) from one in "ab" from two in "cd" from three in "ef" select $"2024-01-01 00:0{step},{one},{two},{three},1.5\n";
        Assert.Contains("only the texts of column 2 (wing), column 3 (floor), column 4 (flow) together tell the rows of one time apart", Refused($"time,wing,floor,flow,v\n{string.Concat(rows)}"), StringComparison.Ordinal);
    }
}
