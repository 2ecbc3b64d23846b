namespace Sluice.Gateway;

internal static partial class GatewayLog
{
    [LoggerMessage(LogLevel.Critical, "a bug: the dispatcher stopped, and the gateway with it")]
    public static partial void Fault(ILogger log, Exception e);

    [LoggerMessage(LogLevel.Error, "{Method} {Path} failed")]
    public static partial void RequestFailed(ILogger log, Exception e, string method, string path);

    [LoggerMessage(LogLevel.Error, "{Method} {Path}: {Problem}")]
    public static partial void StoreFailed(ILogger log, string method, string path, string problem);

    [LoggerMessage(LogLevel.Error, "background response {Id}: the store failed")]
    public static partial void ResponseLost(ILogger log, Exception e, string id);

    [LoggerMessage(LogLevel.Error, "a worker failed")]
    public static partial void WorkerFailed(ILogger log, Exception e);

    [LoggerMessage(LogLevel.Warning, "engine {Name} could not load {Model}: {Problem}")]
    public static partial void LoadFailed(ILogger log, string name, string model, string problem);

    [LoggerMessage(LogLevel.Information, "stopping: {Live} requests are under way and have {Seconds} s")]
    public static partial void Draining(ILogger log, int live, double seconds);

    [LoggerMessage(LogLevel.Warning, "stopping: {Live} requests were given up")]
    public static partial void GivenUp(ILogger log, int live);
}
