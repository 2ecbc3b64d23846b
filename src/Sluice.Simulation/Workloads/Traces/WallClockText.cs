namespace Sluice.Simulation;

/// <summary>Reads <c>yyyy-MM-dd HH:mm:ss[.fraction][Z|±hh:mm]</c>, with a blank or a T in the middle.</summary>
/// <remarks>By hand because a million of them are read at a time, and because the fraction may have any number of digits;
/// those past 100 ns are dropped. The offset is subtracted, so times of different zones compare.</remarks>
internal static class WallClockText
{
    public static bool TryParse(ReadOnlySpan<byte> text, out long ticks)
    {
        ticks = 0;
        if (text.Length < 19 || text[4] != '-' || text[7] != '-' || text[10] is not ((byte)' ' or (byte)'T')
            || text[13] != ':' || text[16] != ':') return false;
        if (!Digits(text[..4], out var year) || !Digits(text[5..7], out var month) || !Digits(text[8..10], out var day)
            || !Digits(text[11..13], out var hour) || !Digits(text[14..16], out var minute)
            || !Digits(text[17..19], out var second)) return false;
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)
            || hour > 23 || minute > 59 || second > 59) return false;

        var rest = text[19..];
        if (!TryFraction(ref rest, out var fraction) || !TryOffset(rest, out var offset)) return false;

        ticks = new DateTime(year, month, day, hour, minute, second).Ticks + fraction - offset;
        return ticks >= 0;
    }

    private static bool TryFraction(ref ReadOnlySpan<byte> rest, out long ticks)
    {
        ticks = 0;
        if (rest.IsEmpty || rest[0] != '.') return true;

        var i = 1;
        var unit = TimeSpan.TicksPerSecond / 10;
        for (; i < rest.Length && rest[i] is >= (byte)'0' and <= (byte)'9'; i++, unit /= 10) ticks += (rest[i] - '0') * unit;
        rest = rest[i..];
        return i > 1;
    }

    private static bool TryOffset(ReadOnlySpan<byte> rest, out long ticks)
    {
        ticks = 0;
        if (rest.IsEmpty || rest.SequenceEqual("Z"u8)) return true;
        if (rest.Length != 6 || rest[0] is not ((byte)'+' or (byte)'-') || rest[3] != ':'
            || !Digits(rest[1..3], out var hours) || !Digits(rest[4..6], out var minutes)) return false;

        ticks = (hours * 60 + minutes) * TimeSpan.TicksPerMinute * (rest[0] == '-' ? -1 : 1);
        return hours <= 14 && minutes <= 59;
    }

    private static bool Digits(ReadOnlySpan<byte> text, out int value)
    {
        value = 0;
        foreach (var c in text)
        {
            if (c is < (byte)'0' or > (byte)'9') return false;
            value = value * 10 + (c - '0');
        }

        return true;
    }
}
