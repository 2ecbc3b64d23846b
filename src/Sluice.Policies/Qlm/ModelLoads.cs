using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Model swapping: an engine on which nothing is outstanding loads the model of its queue's first group.</summary>
/// <remarks>Not before the loaded model has stayed for its minimum time, and never on a pinned engine. The old model is
/// unloaded first; it is warm in host memory afterwards if there is room. O(engines).</remarks>
internal sealed class ModelLoads(QlmState state)
{
    /// <returns>Loads asked for.</returns>
    public int Run(ClusterView view, Operations operations)
    {
        var count = 0;
        for (var v = 0; v < view.Engines.Length; v++)
        {
            ref readonly var snapshot = ref view.Engines[v];
            if (!snapshot.IsReady || snapshot.Outstanding > 0 || state.Queues[v].Count == 0) continue;
            var model = state.Backlog.Group(state.Queues[v].Groups[0]).Model;
            if (model == snapshot.Model || !state.CanServe(v, model, view)) continue;

            ref var account = ref state.Loads[v];
            if (state.StayUntil(v, view) is var until && until > view.Now.Ticks)
            {
                state.Want(new(until));
                continue;
            }

            var load = TimeSpan.FromSeconds(state.Speeds.LoadSeconds(snapshot.Id, model, view));
            account.Loading = model.Index;
            account.LoadEndsAt = (view.Now + load).Ticks;
            account.LeastUntil = (view.Now + load * (1 + Math.Min(1, state.Options.Residence))).Ticks;
            account.ResidentUntil = (view.Now + load * (1 + state.Options.Residence)).Ticks;
            operations.Load(snapshot.Id, model);
            count++;
        }

        return count;
    }
}
