using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>What happens to an answer whose engine is lost, or that is evicted, when a part of it was sent already.</summary>
public enum Interruption : byte
{
    /// <summary>Another engine goes on after what the caller has; if it cannot, it is as with
    /// <see cref="RestartIfNothingSent"/>.</summary>
    Continue,

    /// <summary>It begins anew if the caller has seen nothing of it, else it fails. It is not evicted once something was
    /// sent.</summary>
    RestartIfNothingSent,

    /// <summary>It fails, and is never evicted.</summary>
    Fail,
}

/// <summary>A kind of work: what it is promised, and how it may be treated.</summary>
public sealed record SloClass
{
    public required string Name { get; init; }

    /// <summary>Promised to requests that bring no promise of their own.</summary>
    public Slo Slo { get; init; } = Slo.BestEffort;

    /// <summary>Longest wait in the queue.</summary>
    public TimeSpan QueueMax { get; init; } = TimeSpan.FromMinutes(10);

    public Interruption OnInterruption { get; init; } = Interruption.Continue;

    /// <summary>Refuse at once what would probably miss its promise; otherwise it is held.</summary>
    public bool Refuses { get; init; }

    /// <summary>Have engines stream answers that the caller wants whole, so that an eviction or the loss of an engine loses
    /// nothing; costs a little per token. By default where the answer is continued and gathers to the same, which tool calls
    /// may not.</summary>
    public bool? KeepsProgress { get; init; }
}

/// <summary>The classes of a gateway; <see cref="ClassId"/> is the index.</summary>
public sealed class SloClasses
{
    /// <summary>Named by spellings that know only "urgent", "usual" and "whenever": tiers and priorities.</summary>
    public const string Interactive = "interactive", Usual = "default", Background = "background", Batch = "batch";

    private readonly Dictionary<string, int> _byName = new(StringComparer.OrdinalIgnoreCase);

    public SloClasses(IReadOnlyList<SloClass> all)
    {
        All = all;
        for (var i = 0; i < all.Count; i++) _byName.Add(all[i].Name, i);
        foreach (var name in new[] { Interactive, Usual, Background, Batch })
            if (!_byName.ContainsKey(name)) throw new InputException($"classes: there must be a class '{name}'.");
    }

    public static SloClasses Default { get; } = new(
    [
        new()
        {
            Name = Interactive, Slo = new(TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(200), TimeSpan.MaxValue),
            QueueMax = TimeSpan.FromMinutes(1), Refuses = true,
        },
        new() { Name = Usual, Slo = new(TimeSpan.FromSeconds(10), TimeSpan.MaxValue, TimeSpan.MaxValue) },
        new()
        {
            Name = Background, Slo = new(TimeSpan.MaxValue, TimeSpan.MaxValue, TimeSpan.FromMinutes(15)),
            QueueMax = TimeSpan.FromHours(1), KeepsProgress = true,
        },
        new()
        {
            Name = Batch, Slo = new(TimeSpan.MaxValue, TimeSpan.MaxValue, TimeSpan.FromHours(24)),
            QueueMax = TimeSpan.MaxValue, KeepsProgress = true,
        },
    ]);

    public IReadOnlyList<SloClass> All { get; }

    public SloClass this[ClassId id] => All[id.Index];

    public bool TryFind(string name, out ClassId id)
    {
        var isThere = _byName.TryGetValue(name, out var index);
        id = new(index);
        return isThere;
    }

    /// <exception cref="KeyNotFoundException">No such class.</exception>
    public ClassId IdOf(string name) => new(_byName[name]);
}
