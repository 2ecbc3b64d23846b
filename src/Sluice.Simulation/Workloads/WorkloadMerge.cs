using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Lays workloads over each other: several models, tenants or kinds of traffic at once.</summary>
public static class WorkloadMerge
{
    /// <summary>All requests of all parts on one time line; a tie goes to the earlier part. Models, tenants and classes of
    /// the same name are the same.</summary>
    /// <exception cref="InputException">The parts' prompt hashes cover different numbers of tokens.</exception>
    public static Workload Of(params IReadOnlyList<Workload> parts)
    {
        Check.That(parts.Count > 0);
        if (parts.Count == 1) return parts[0];

        var (models, tenants, classes) = (new NameTable(), new NameTable(), new NameTable());
        var numbering = new Numbering(parts);
        var requests = new Request[numbering.Order.Length];
        var outputs = new int[requests.Length];
        var programs = 0;
        for (var p = 0; p < parts.Count; p++)
        {
            var part = parts[p];
            var model = Renumber(models, part.Models);
            var tenant = Renumber(tenants, part.Tenants);
            var @class = Renumber(classes, part.Classes);
            var lastProgram = -1;
            for (var i = 0; i < part.Requests.Length; i++)
            {
                var request = part.Requests[i];
                var index = numbering.IndexOf(p, i);
                lastProgram = Math.Max(lastProgram, request.Program);
                outputs[index] = part.OutputTokens[i];
                requests[index] = request with
                {
                    Id = new(index),
                    Model = new(model[request.Model.Index]),
                    Tenant = new(tenant[request.Tenant.Index]),
                    Class = new(@class[request.Class.Index]),
                    Program = request.Program < 0 ? -1 : programs + request.Program,
                };
            }

            programs += lastProgram + 1;
        }

        return new()
        {
            Name = string.Join(" | ", parts.Select(part => part.Name)),
            Origin = string.Join(" | ", parts.Select(part => part.Origin)),
            Requests = requests,
            OutputTokens = outputs,
            Models = models.Names,
            Tenants = tenants.Names,
            Classes = classes.Names,
            FollowUps = FollowUps(parts, numbering),
            Calls = Calls(parts, numbering),
            PrefixBlockTokens = PrefixBlockTokens(parts),
        };
    }

    private static int[] Renumber(NameTable table, IReadOnlyList<string> names) => [.. names.Select(table.IndexOf)];

    private static Dictionary<int, FollowUp[]>? FollowUps(IReadOnlyList<Workload> parts, Numbering numbering)
    {
        if (parts.All(part => part.FollowUps is null)) return null;

        var merged = new Dictionary<int, FollowUp[]>();
        for (var p = 0; p < parts.Count; p++)
        {
            if (parts[p].FollowUps is not { } followUps) continue;
            for (var i = 0; i < parts[p].Requests.Length; i++)
                if (followUps.TryGetValue(i, out var later)) merged.Add(
                    numbering.IndexOf(p, i),
                    [.. later.Select(f => f with { Request = numbering.IndexOf(p, f.Request) })]);
        }

        return merged;
    }

    private static Dictionary<int, ToolCall[]>? Calls(IReadOnlyList<Workload> parts, Numbering numbering) =>
        parts.All(part => part.Calls is null) ? null : parts
            .SelectMany((part, p) => part.Calls?.Select(c => (At: numbering.IndexOf(p, c.Key), c.Value)) ?? [])
            .ToDictionary(c => c.At, c => c.Value);

    private static int PrefixBlockTokens(IReadOnlyList<Workload> parts)
    {
        var sizes = parts.Select(part => part.PrefixBlockTokens).Where(tokens => tokens > 0).Distinct().Order().ToArray();
        return sizes.Length <= 1 ? sizes.FirstOrDefault() : throw new InputException(
            $"prompt hashes cover {string.Join(" and ", sizes)} tokens in the workloads to merge, expected one size");
    }

    /// <summary>Where each request of each part goes: by arrival, then part, then place in the part.</summary>
    private sealed class Numbering
    {
        private readonly int[][] _index;

        public Numbering(IReadOnlyList<Workload> parts)
        {
            Order = [.. parts.SelectMany((part, p) => part.Requests.Select((r, i) => (r.Arrival.Ticks, p, i)))];
            Array.Sort(Order);
            _index = [.. parts.Select(part => new int[part.Requests.Length])];
            for (var at = 0; at < Order.Length; at++) _index[Order[at].Part][Order[at].Place] = at;
        }

        public (long Ticks, int Part, int Place)[] Order { get; }

        public int IndexOf(int part, int place) => _index[part][place];
    }
}
