using System.Diagnostics;

namespace Sluice.Cli;

/// <summary>A progress line on standard error for anything that takes over a second; nothing when it is redirected. Also
/// where long work learns of Ctrl-C.</summary>
public sealed class Progress(string label, Terminal terminal) : IDisposable
{
    private const int Width = 30;

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Lock _lock = new();
    private long _lastMilliseconds = 900;
    private int _drawn;

    /// <param name="share">0 to 1. May be called from several threads.</param>
    /// <exception cref="OperationCanceledException">Ctrl-C was pressed.</exception>
    public void Report(double share)
    {
        terminal.Stop.ThrowIfCancellationRequested();
        if (!terminal.ShowsProgress) return;
        lock (_lock)
        {
            var elapsed = _clock.ElapsedMilliseconds;
            if (elapsed - _lastMilliseconds < 100) return;
            _lastMilliseconds = elapsed;
            Draw(share, elapsed / 1000.0);
        }
    }

    /// <summary>Leaves an empty line with the cursor at its start; Ctrl-C echoes two letters more.</summary>
    public void Dispose()
    {
        if (_drawn == 0) return;
        terminal.Error.Write("\r" + new string(' ', _drawn + 2) + "\r");
        terminal.Error.Flush();
    }

    private void Draw(double share, double seconds)
    {
        var filled = (int)(Math.Clamp(share, 0, 1) * Width);
        var left = share > 0.01 ? $", {seconds * (1 - share) / share:F0} s left" : "";
        var line = $"{label} [{new string('█', filled)}{new string('·', Width - filled)}] {share,4:P0}{left}";
        terminal.Error.Write("\r" + line.PadRight(_drawn));
        terminal.Error.Flush();
        _drawn = Math.Max(_drawn, line.Length);
    }
}
