using System.Diagnostics;
using Sluice.Core;

namespace Sluice.Cli;

/// <summary>A progress line on standard error for anything that takes over a second; nothing when it is redirected.</summary>
public sealed class Progress(string label) : IDisposable
{
    private const int Width = 30;

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly bool _isShown = !Console.IsErrorRedirected;
    private readonly Lock _lock = new();
    private long _lastMilliseconds = 900;
    private bool _isDrawn;

    /// <param name="share">0 to 1. May be called from several threads.</param>
    public void Report(double share)
    {
        if (!_isShown) return;
        lock (_lock)
        {
            var elapsed = _clock.ElapsedMilliseconds;
            if (elapsed - _lastMilliseconds < 100) return;
            _lastMilliseconds = elapsed;
            _isDrawn = true;
            var filled = (int)(Math.Clamp(share, 0, 1) * Width);
            var left = share > 0.01 ? $", {elapsed / 1000.0 * (1 - share) / share:F0} s left" : "";
            Console.Error.Write(
                $"\r{label} [{new string('█', filled)}{new string('·', Width - filled)}] {share,4:P0}{left}   ");
        }
    }

    public void Dispose()
    {
        if (_isDrawn) Console.Error.Write("\r" + new string(' ', label.Length + Width + 30) + "\r");
    }
}
