using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Sluice.Cli;

/// <summary>Writes log entries as lines: time, severity if it is more than information, message.</summary>
internal sealed class LineLogger(TextWriter writer) : ILoggerProvider, ILogger
{
    private readonly Lock _gate = new();

    /// <summary>Ours only: what the server below says of itself tells a user nothing.</summary>
    public ILogger CreateLogger(string categoryName) =>
        categoryName.StartsWith("sluice", StringComparison.Ordinal) ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel)) return;
        var time = TimeProvider.System.GetLocalNow().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
        var severity = logLevel switch
        {
            LogLevel.Information => "",
            LogLevel.Warning => "warning: ",
            _ => "error: ",
        };
        lock (_gate)
        {
            writer.WriteLine($"{time} {severity}{formatter(state, exception)}");
            if (exception is not null) writer.WriteLine(exception);
        }
    }

    public void Dispose()
    {
    }
}
