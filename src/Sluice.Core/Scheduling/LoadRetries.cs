namespace Sluice.Core;

/// <summary>How long a model that could not be loaded is left alone, and when its requests are told.</summary>
public sealed record LoadRetryOptions
{
    /// <summary>Until the first retry on the same engine; doubles with each failure. 1 s: a disk that hiccuped is back by
    /// then.</summary>
    public TimeSpan First { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest time between two. 60 s: a try keeps the engine from its other models.</summary>
    public TimeSpan Most { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Failures in a row after which an engine is given up for a model: its requests no longer wait for the next try. 4
    /// take about ten seconds beside the loads themselves.</summary>
    public int FailuresMax { get; init; } = 4;
}

/// <summary>Which engines failed to load which models, and until when they are not asked again.</summary>
/// <remarks>Failures are counted until a load succeeds, whatever becomes of the engine meanwhile. O(failing pairs), which are
/// few; nothing is allocated where nothing fails.</remarks>
internal sealed class LoadRetries(LoadRetryOptions options)
{
    private readonly List<Entry> _entries = [];

    /// <summary>When the next pair may be tried again.</summary>
    public Instant RetryAt { get; private set; } = Instant.Never;

    public bool IsEmpty => _entries.Count == 0;

    public void OnFailed(Instant now, EngineId engine, ModelId model)
    {
        var index = IndexOf(engine, model);
        var failures = index < 0 ? 1 : _entries[index].Failures + 1;
        var wait = options.First * Math.Pow(2, Math.Min(failures - 1, 30));
        var entry = new Entry(engine, model, failures, now + (wait < options.Most ? wait : options.Most));
        if (index < 0) _entries.Add(entry);
        else _entries[index] = entry;
        FindNext();
    }

    public void OnLoaded(EngineId engine, ModelId model)
    {
        var index = IndexOf(engine, model);
        if (index < 0) return;
        _entries.RemoveAt(index);
        FindNext();
    }

    /// <summary>Takes the next pair whose time has come; its failures stay counted.</summary>
    public bool TryTakeDue(Instant now, out EngineId engine)
    {
        engine = EngineId.None;
        if (RetryAt > now) return false;
        var index = 0;
        while (_entries[index].Until > now) index++;
        engine = _entries[index].Engine;
        _entries[index] = _entries[index] with { Until = Instant.Never };
        FindNext();
        return true;
    }

    /// <summary>Models that an engine is not to be asked for now, a bit each.</summary>
    public ulong ModelsOf(EngineId engine)
    {
        var models = 0UL;
        foreach (var e in _entries)
            if (e.Engine == engine && e.Until != Instant.Never && e.Model.Index < 64) models |= 1UL << e.Model.Index;
        return models;
    }

    /// <summary>The engine failed so often that nobody should wait for its next try.</summary>
    /// <param name="until">When that will be.</param>
    public bool IsGivenUp(EngineId engine, ModelId model, out Instant until)
    {
        var index = IndexOf(engine, model);
        until = index < 0 ? Instant.Never : _entries[index].Until;
        return until != Instant.Never && _entries[index].Failures >= options.FailuresMax;
    }

    private int IndexOf(EngineId engine, ModelId model)
    {
        for (var i = 0; i < _entries.Count; i++)
            if (_entries[i].Engine == engine && _entries[i].Model == model) return i;
        return -1;
    }

    private void FindNext()
    {
        RetryAt = Instant.Never;
        foreach (var e in _entries)
            if (e.Until < RetryAt) RetryAt = e.Until;
    }

    /// <param name="Until">Never while a try is allowed.</param>
    private readonly record struct Entry(EngineId Engine, ModelId Model, int Failures, Instant Until);
}
