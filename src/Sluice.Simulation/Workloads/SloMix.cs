using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A class of requests and what it is promised.</summary>
/// <param name="Share">Weight among the classes; null when the text gave none.</param>
public sealed record SloClass(string Name, double? Share, Slo Slo, int Priority);

/// <summary>Which promises the requests of a workload get, by rule:
/// <c>chat:0.6,ttft=1s,tpot=50ms;batch:0.4,e2e=1h,priority=1</c>, or <c>ttft=1s,tpot=50ms</c> for all alike.</summary>
/// <remarks>
/// Durations take ms, s, m and h; a plain number is seconds. A promise not named is not made. Shares are weights and need
/// not sum to 1. Where the workload's own class names, or else its tenant names, are all among the mix's, they decide;
/// otherwise a class is drawn for each request by share. All stages of a program are in one class, that of its first.
/// </remarks>
public sealed class SloMix
{
    private readonly SloClass[] _classes;

    private SloMix(SloClass[] classes) => _classes = classes;

    public IReadOnlyList<SloClass> Classes => _classes;

    /// <exception cref="InputException">The text is not a mix; the message quotes the part that is wrong.</exception>
    public static SloMix Parse(string text)
    {
        var parts = text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0)
            throw new InputException("the SLO mix is empty, expected such as chat:0.6,ttft=1s,tpot=50ms;batch:0.4,e2e=1h");

        var classes = Array.ConvertAll(parts, ParseClass);
        for (var i = 0; i < classes.Length; i++)
            if (Array.FindIndex(classes, c => c.Name == classes[i].Name) < i)
                throw new InputException($"the SLO mix '{text}' has the class '{classes[i].Name}' twice");
        return new(classes);
    }

    /// <summary>The same workload with these classes and promises.</summary>
    /// <exception cref="InputException">Shares are needed, and one is missing or all are 0.</exception>
    public Workload Apply(Workload load, Rng rng)
    {
        var classOf = ByName(load.Classes) is { } byClass ? request => byClass[request.Class.Index]
            : ByName(load.Tenants) is { } byTenant ? request => byTenant[request.Tenant.Index]
            : ByShare(load, rng.Fork("slo"));

        var requests = new Request[load.Requests.Length];
        var ofProgram = new Dictionary<int, int>();
        for (var i = 0; i < requests.Length; i++)
        {
            var request = load.Requests[i];
            if (request.Program < 0 || !ofProgram.TryGetValue(request.Program, out var index))
            {
                index = classOf(request);
                if (request.Program >= 0) ofProgram.Add(request.Program, index);
            }

            var c = _classes[index];
            requests[i] = request with { Class = new(index), Slo = c.Slo, Priority = c.Priority };
        }

        return new()
        {
            Name = load.Name,
            Origin = load.Origin,
            Requests = requests,
            OutputTokens = load.OutputTokens,
            Models = load.Models,
            Tenants = load.Tenants,
            Classes = Array.ConvertAll(_classes, c => c.Name),
            FollowUps = load.FollowUps,
            Calls = load.Calls,
            PrefixBlockTokens = load.PrefixBlockTokens,
        };
    }

    /// <summary>Where each name stands in the mix; null unless all are there.</summary>
    private int[]? ByName(IReadOnlyList<string> names)
    {
        var index = names.Select(name => Array.FindIndex(_classes, c => c.Name == name)).ToArray();
        return index.Contains(-1) ? null : index;
    }

    private Func<Request, int> ByShare(Workload load, Rng rng)
    {
        if (_classes.Length == 1) return _ => 0;

        var cumulative = new double[_classes.Length];
        var sum = 0.0;
        for (var i = 0; i < cumulative.Length; i++)
        {
            var share = _classes[i].Share ?? throw new InputException(
                $"the class '{_classes[i].Name}' of the SLO mix has no share, expected {_classes[i].Name}:0.5,…, because "
                + $"the workload's classes ({Some(load.Classes)}) and tenants ({Some(load.Tenants)}) are not the mix's");
            cumulative[i] = sum += share;
        }

        if (sum <= 0) throw new InputException("all shares of the SLO mix are 0, expected at least one above");
        return _ =>
        {
            var draw = rng.NextDouble() * sum;
            var i = 0;
            while (i < cumulative.Length - 1 && draw >= cumulative[i]) i++;
            return i;
        };
    }

    private static string Some(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(5)) + (names.Count > 5 ? ", …" : "");

    private static SloClass ParseClass(string text)
    {
        var colon = text.IndexOf(':');
        var name = colon < 0 ? "default" : text[..colon].Trim();
        var rest = colon < 0 ? text : text[(colon + 1)..].Trim();
        if (name.Length == 0) throw new InputException($"'{text}' has no class name before the colon");

        // A bare number in front is the share.
        var first = rest.Split(',')[0];
        if (colon < 0 && !first.Contains('='))
            throw new InputException($"'{text}' promises nothing, expected such as ttft=1s,tpot=50ms or chat:0.6,ttft=1s");

        var spec = new Spec($"{name}:{(first.Contains('=') ? rest : $"share={rest}")}");
        var parsed = new SloClass(
            name,
            spec.Has("share") ? spec.Number("share", 0, 1e9) : null,
            new(Promise(spec, "ttft"), Promise(spec, "tpot"), Promise(spec, "e2e")),
            spec.Count("priority", -1_000_000, 1_000_000, fallback: 0));
        spec.Finish();
        return parsed;
    }

    private static TimeSpan Promise(Spec spec, string key)
    {
        var promise = spec.Duration(key, TimeSpan.MaxValue);
        return promise > TimeSpan.Zero ? promise : throw spec.Error($"has {key}=0, expected more than 0");
    }
}
