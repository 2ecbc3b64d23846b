using Sluice.Core;

namespace Sluice.Policies;

/// <summary>The open groups by model: where a new request may join.</summary>
/// <remarks>
/// The hard key is the model. Inside a model the nearest open group in (log promise, log prompt, log predicted output) takes
/// the request if it is nearer than 0.5; its centre moves by running mean. A group leaves the index when so many requests of its
/// model and promise came as a full group holds, into it or into others, when its first request starts, and when it is empty:
/// whoever comes later opens a new one, so nobody joins a group that no queue holds. Counting those beside it bounds by how
/// many later requests anybody is overtaken for being of another length, which is what made waits hard to predict. At most
/// 256 groups are open per model; the oldest closes first. Ties go to the group opened first. O(open groups).
/// Source: the QLM paper clusters by promise and lengths; the online rule is ours.
/// </remarks>
internal sealed class GroupIndex(Backlog backlog)
{
    public const double Radius = 0.5;
    private const int OpenMax = 256;

    private readonly List<List<int>> _open = [];

    /// <returns>The group, or -1 when none is near enough.</returns>
    public int Find(ModelId model, double logPromise, double logPrompt, double logOutput)
    {
        var best = -1;
        var nearest = Radius * Radius;
        foreach (var group in Of(model))
        {
            ref var g = ref backlog.Group(group);
            var distance = Square(g.LogPromise - logPromise) + Square(g.LogPrompt - logPrompt) + Square(g.LogOutput - logOutput);
            if (distance < nearest) (best, nearest) = (group, distance);
        }

        return best;
    }

    public void Open(int group)
    {
        var open = Of(backlog.Group(group).Model);
        if (open.Count == OpenMax) Close(open[0]);
        open.Add(group);
        backlog.Group(group).IsOpen = true;
    }

    public void Close(int group)
    {
        ref var g = ref backlog.Group(group);
        if (!g.IsOpen) return;
        g.IsOpen = false;
        Of(g.Model).Remove(group);
    }

    /// <summary>Open groups of a model, oldest first.</summary>
    public List<int> Of(ModelId model)
    {
        while (_open.Count <= model.Index) _open.Add(new(OpenMax));
        return _open[model.Index];
    }

    /// <summary>Moves the group's centre towards a new member.</summary>
    public void Include(int group, double logPromise, double logPrompt, double logOutput)
    {
        ref var g = ref backlog.Group(group);
        g.Members++;
        g.LogPromise += (logPromise - g.LogPromise) / g.Members;
        g.LogPrompt += (logPrompt - g.LogPrompt) / g.Members;
        g.LogOutput += (logOutput - g.LogOutput) / g.Members;
    }

    /// <summary>A request came, and is in its group: groups of its model and promise that have seen their fill close.</summary>
    /// <param name="most">Requests of one promise that a group sees, in it or not.</param>
    public void Pass(ModelId model, double logPromise, int most)
    {
        var open = Of(model);
        for (var i = open.Count - 1; i >= 0; i--)
        {
            ref var g = ref backlog.Group(open[i]);
            if (Math.Abs(g.LogPromise - logPromise) < Radius && ++g.Passed >= most) Close(open[i]);
        }
    }

    private static double Square(double x) => x * x;
}
