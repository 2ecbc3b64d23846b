using System.Text;
using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>Damaged files either read or are refused; they never crash.</summary>
public sealed class TraceFuzzTests
{
    [Fact]
    public void Random_damage_never_throws_anything_but_an_input_exception()
    {
        using var file = new TempTrace("x");
        var rng = new Rng(2024);
        foreach (var (format, content) in TinyTraces.All)
        {
            for (var round = 0; round < 300; round++)
            {
                var bytes = round % 10 == 0 ? TempTrace.Gzip(content) : Encoding.UTF8.GetBytes(content);
                for (var edits = rng.Next(4) + 1; edits > 0; edits--) bytes = Damage(bytes, ref rng);
                File.WriteAllBytes(file.FilePath, bytes);
                ReadOrRefuse(file.FilePath, round % 2 == 0 ? format : TraceFormat.Auto, bytes);
            }
        }
    }

    private static void ReadOrRefuse(string path, TraceFormat format, byte[] bytes)
    {
        try
        {
            var load = TraceReader.Read(path, format, new() { Arrivals = bytes.Length % 2 == 0 ? "poisson:rate=1" : null });
            WorkloadRules.Hold(load);
        }
        catch (InputException e)
        {
            Assert.Contains(Path.GetFileName(path), e.Message, StringComparison.Ordinal);
        }
        catch (Exception e)
        {
            Assert.Fail($"{format}: {e}\n{Encoding.UTF8.GetString(bytes)}");
        }
    }

    private static byte[] Damage(byte[] bytes, ref Rng rng)
    {
        if (bytes.Length == 0) return bytes;

        var at = rng.Next(bytes.Length);
        ReadOnlySpan<byte> telling = ",\"\n\r{}[]:-.eE+0 9\u00E9"u8;
        switch (rng.Next(5))
        {
            case 0:
                bytes[at] = (byte)rng.Next(256);
                return bytes;
            case 1:
                bytes[at] = telling[rng.Next(telling.Length)];
                return bytes;
            case 2:
                return bytes[..at];
            case 3:
                return [.. bytes[..at], .. bytes[Math.Min(at + rng.Next(8), bytes.Length)..]];
            default:
                return [.. bytes[..at], telling[rng.Next(telling.Length)], .. bytes[at..]];
        }
    }
}
