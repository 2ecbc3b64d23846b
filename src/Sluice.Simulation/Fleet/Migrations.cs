using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A request between two engines.</summary>
/// <param name="OutputTokens">Tokens its caller has.</param>
/// <param name="Computed">Tokens whose KV moves with it.</param>
internal readonly record struct Migration(EngineId From, EngineId To, int OutputTokens, int Computed, bool IsCancelled);

/// <summary>Live migrations under way, in the manner of Llumnix (OSDI 2024): the KV is copied while the request decodes, then
/// it stops for the last piece and goes on elsewhere.</summary>
internal sealed class Migrations
{
    private readonly Dictionary<RequestId, EngineId> _copying = [];
    private readonly Dictionary<RequestId, Migration> _between = [];

    /// <summary>Begins to copy, or changes where to.</summary>
    public void Begin(RequestId request, EngineId to) => _copying[request] = to;

    /// <param name="calls">Tools it calls; what those it has passed answered is computed, too, and no output.</param>
    public void Leave(Request request, EngineId from, int computed, ToolCall[]? calls)
    {
        _copying.Remove(request.Id, out var to);
        var output = computed + 1 - request.PromptTokens;
        foreach (var call in calls ?? [])
        {
            if (output - call.ResponseTokens < call.After) break;
            output -= call.ResponseTokens;
        }

        _between.Add(request.Id, new(from, to, output, computed, IsCancelled: false));
    }

    /// <returns>False if the request is not between engines.</returns>
    public bool TryCancel(RequestId request)
    {
        if (!_between.TryGetValue(request, out var migration)) return false;
        _between[request] = migration with { IsCancelled = true };
        return true;
    }

    /// <returns>False if the engine it left was lost meanwhile, and the dispatcher took it back.</returns>
    public bool TryArrive(RequestId request, out Migration migration) => _between.Remove(request, out migration);

    /// <summary>An engine died: what had left it goes back to the queue with the tokens its callers have.</summary>
    public void TakeBack(EngineId from, Dictionary<RequestId, int> outputTokens)
    {
        foreach (var (request, migration) in _between.Where(b => b.Value.From == from).OrderBy(b => b.Key.Value).ToList())
        {
            outputTokens.Add(request, migration.OutputTokens);
            _between.Remove(request);
        }
    }
}
