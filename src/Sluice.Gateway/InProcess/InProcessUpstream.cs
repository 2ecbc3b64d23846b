using System.Diagnostics;
using System.Text.Json;
using Sluice.Core;
using Sluice.Engine;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>The engine of this process behind the interface of all engines: model files from a folder or a list, one or
/// several in memory, answers in the shapes of the OpenAI API.</summary>
public sealed class InProcessUpstream : IUpstream
{
    private readonly ModelShelf _shelf;
    private readonly TimeProvider _time;
    private readonly TokenMemory _memory = new();

    /// <exception cref="InputException">No model is named, or two have one name.</exception>
    public InProcessUpstream(InProcessOptions options, TimeProvider time)
    {
        (Name, _shelf, _time) = (options.Name, new(options, time), time);
    }

    public string Name { get; }

    public UpstreamCapabilities Capabilities => new()
    {
        Kind = UpstreamKind.InProcess,
        Models = _shelf.Models,
        Chat = Continuation.AssistantPrefill,
        Completions = Continuation.Completion,
        HasMetrics = true,
        CanSwap = _shelf.Models.Count > 1,
        HasPriority = true,
        SequencesMax = _shelf.SequencesMax,
    };

    /// <summary>How long loads took, by model; empty until one was loaded.</summary>
    public IReadOnlyDictionary<string, TimeSpan> LoadTimes => _shelf.LoadTimes;

    public Task<bool> ProbeAsync(CancellationToken cancel) => Task.FromResult(_shelf.Fault is null);

    public Task<UpstreamReport?> ReportAsync(CancellationToken cancel) => Task.FromResult(_shelf.Report());

    public Task<bool> LoadAsync(string model, CancellationToken cancel) => _shelf.LoadAsync(model, cancel);

    public async Task<CallOutcome> CallAsync(UpstreamCall call, IAnswerSink sink, CancellationToken cancel)
    {
        if (cancel.IsCancellationRequested) return new(CallEnd.Cancelled, 0, -1, 0, "");
        if (!_shelf.Knows(call.Model))
            return Refused(404, $"{call.Model}: {Name} has no such model.", "model", "model_not_found");
        using var lease = _shelf.TryUse(call.Model);
        if (lease is null) return Busy($"{call.Model} is not loaded in {Name}.");
        try
        {
            if (call.Api == UpstreamApi.Embeddings)
                return await InProcessEmbeddings.RunAsync(call, lease, sink, cancel).ConfigureAwait(false);
            var asked = InProcessCall.Read(call, lease.Model);
            return await new InProcessAnswer(call, asked, lease, _memory, _time).RunAsync(sink, cancel).ConfigureAwait(false);
        }
        catch (JsonException e)
        {
            return Refused(400, $"The body is not JSON: {e.Message}");
        }
        catch (InvalidOperationException)
        {
            return Refused(400, "The body holds text that is not valid Unicode.");
        }
        catch (InputException e)
        {
            return Refused(400, e.Message);
        }
    }

    public ValueTask DisposeAsync() => _shelf.DisposeAsync();

    internal static CallOutcome Busy(string message) =>
        new(CallEnd.Busy, 503, -1, 0, ErrorJson.Write(message, "server_error"), TimeSpan.FromSeconds(1));

    internal static CallOutcome Refused(int status, string message, string? param = null, string? code = null) =>
        new(CallEnd.Refused, status, -1, 0, ErrorJson.Write(message, param: param, code: code));
}
