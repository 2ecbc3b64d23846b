namespace Sluice.Gateway;

/// <summary>One line of a batch, to be run.</summary>
/// <param name="Tenant">Name of the tenant it belongs to.</param>
/// <param name="Deadline">End of the batch's window.</param>
internal sealed record LineWork(string Tenant, string Endpoint, string RequestId, ReadOnlyMemory<byte> Body, DateTimeOffset Deadline);

internal enum LineEnd : byte
{
    /// <summary>An engine answered.</summary>
    Answered,

    /// <summary>It is wrong, and will be however often it is tried.</summary>
    Refused,

    /// <summary>Engines broke off; another try may go well.</summary>
    Broken,

    /// <summary>Nothing could serve it now; nothing was spent on it.</summary>
    NotNow,

    /// <summary>It was told to stop.</summary>
    Stopped,
}

/// <param name="Status">HTTP status.</param>
/// <param name="Body">JSON: the answer, or the error.</param>
internal sealed record LineAnswer(LineEnd End, int Status, ReadOnlyMemory<byte> Body);

/// <summary>Runs lines through the queue that interactive requests wait in.</summary>
internal interface ILineRunner
{
    /// <summary>Endpoints whose lines it can run.</summary>
    IReadOnlyList<string> Endpoints { get; }

    /// <returns>False if no engine has ever offered the model, while others were offered.</returns>
    bool Knows(string model);

    Task<LineAnswer> RunAsync(LineWork work, CancellationToken cancel);
}
