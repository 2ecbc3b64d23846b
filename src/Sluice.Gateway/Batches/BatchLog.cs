namespace Sluice.Gateway;

internal static partial class BatchLog
{
    [LoggerMessage(LogLevel.Information, "taking up {Count} unfinished batches from {Where}")]
    public static partial void Resuming(ILogger log, int count, string where);

    [LoggerMessage(LogLevel.Error, "batch {Batch}, line {Line} failed and will be tried again")]
    public static partial void LineFailed(ILogger log, Exception e, string batch, int line);

    [LoggerMessage(LogLevel.Error, "batch {Batch} failed and will be taken up again")]
    public static partial void BatchFailed(ILogger log, Exception e, string batch);

    [LoggerMessage(LogLevel.Error, "cannot look for batches in the store")]
    public static partial void LookFailed(ILogger log, Exception e);

    [LoggerMessage(LogLevel.Error, "cannot delete what has expired")]
    public static partial void SweepFailed(ILogger log, Exception e);

    [LoggerMessage(LogLevel.Critical, "the gateway stops: {Problem}")]
    public static partial void Taken(ILogger log, string problem);
}
