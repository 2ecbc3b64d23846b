using System.Runtime.InteropServices;
using Sluice.Gateway;

namespace Sluice.Cli;

/// <summary>Reads the configuration again when its file changes, or on SIGHUP. A file with a mistake in it changes
/// nothing.</summary>
internal sealed class ConfigWatch : IDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    private readonly string _path;
    private readonly GatewayServices _gateway;
    private readonly TextWriter _log;
    private readonly SemaphoreSlim _one = new(1);
    private readonly PosixSignalRegistration? _signal;
    private readonly ITimer _timer;
    private DateTime _seen;

    public ConfigWatch(string path, GatewayServices gateway, TextWriter log)
    {
        (_path, _gateway, _log) = (path, gateway, log);
        _seen = File.GetLastWriteTimeUtc(path);
        _timer = TimeProvider.System.CreateTimer(_ => LookAsync(isAsked: false).Wait(), null, s_look, s_look);
        if (!OperatingSystem.IsWindows())
        {
            _signal = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                _ = LookAsync(isAsked: true);
            });
        }
    }

    public void Dispose()
    {
        _signal?.Dispose();
        _timer.Dispose();
        _one.Dispose();
    }

    private async Task LookAsync(bool isAsked)
    {
        if (!await _one.WaitAsync(0).ConfigureAwait(false)) return;
        try
        {
            var written = File.GetLastWriteTimeUtc(_path);
            if (!isAsked && written == _seen) return;
            _seen = written;
            var config = GatewayConfig.Check(_path, out var problems);
            if (problems.Count > 0 || config is null)
            {
                foreach (var problem in problems) await _log.WriteLineAsync($"sluice: {problem}").ConfigureAwait(false);
                await _log.WriteLineAsync("sluice: the configuration has mistakes; nothing was changed").ConfigureAwait(false);
                return;
            }

            foreach (var line in await GatewayReload.ApplyAsync(_gateway, config).ConfigureAwait(false))
                await _log.WriteLineAsync($"sluice: reload: {line}").ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or Core.InputException)
        {
            await _log.WriteLineAsync($"sluice: reload: {e.Message}").ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }
}
