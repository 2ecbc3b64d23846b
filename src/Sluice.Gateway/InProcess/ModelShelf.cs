using Sluice.Core;
using Sluice.Engine;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>The models that an engine in process can serve, and those of them that are in memory.</summary>
internal sealed class ModelShelf : IAsyncDisposable
{
    private const double MemoryShare = 0.8;

    private readonly InProcessOptions _options;
    private readonly TimeProvider _time;
    private readonly long _memoryBytes;
    private readonly object _gate = new();
    private readonly SemaphoreSlim _loading = new(1, 1);
    private readonly List<Place> _loaded = []; // Used longest ago first.
    private readonly Dictionary<string, TimeSpan> _loadTimes = [];
    private string? _current;
    private string? _fault;

    public ModelShelf(InProcessOptions options, TimeProvider time)
    {
        if (options.Models.Count == 0) throw new InputException($"{options.Name}: expected at least one model file.");
        if (options.Models.GroupBy(m => m.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new InputException(
                $"{options.Name}: two model files are called {twice.Key}: {string.Join(", ", twice.Select(m => m.Path))}.");
        (_options, _time) = (options, time);
        _memoryBytes = options.MemoryBytes ?? (long)(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes * MemoryShare);
    }

    /// <summary>The model whose engine stopped, and why; null if all run.</summary>
    public (string Model, string Why)? Broken
    {
        get
        {
            lock (_gate)
            {
                foreach (var place in _loaded)
                    if (place.Model.Engine.Fault is { } fault) return (place.Name, fault);
                return null;
            }
        }
    }

    /// <summary>Why the last load failed; null if it did not.</summary>
    public string? LoadFault
    {
        get
        {
            lock (_gate) return _fault;
        }
    }

    public IReadOnlyList<UpstreamModel> Models
    {
        get
        {
            lock (_gate)
                return [.. _options.Models.Select(m => _loaded.Find(p => p.Name == m.Name) is { } place
                    ? new UpstreamModel(m.Name, true, place.Model.Engine.TokensMax)
                    : new UpstreamModel(m.Name, false, 0))];
        }
    }

    public int SequencesMax
    {
        get
        {
            lock (_gate) return _loaded.Count == 0 ? 0 : _loaded.Max(p => p.Model.SequencesMax);
        }
    }

    public IReadOnlyDictionary<string, TimeSpan> LoadTimes
    {
        get
        {
            lock (_gate) return new Dictionary<string, TimeSpan>(_loadTimes);
        }
    }

    public bool Knows(string model) => _options.Models.Any(m => m.Name == model);

    /// <summary>The engine is that of a loaded model, and well.</summary>
    public bool Runs(EmbeddedEngine engine)
    {
        lock (_gate) return engine.Fault is null && _loaded.Exists(p => p.Model.Engine == engine);
    }

    /// <summary>What the engine of the model loaded last says.</summary>
    public UpstreamReport? Report()
    {
        lock (_gate)
        {
            if (_loaded.Find(p => p.Name == _current) is not { } place) return null;
            var s = place.Model.Engine.Status;
            return new(
                s.Running, s.Waiting, 1 - (double)s.FreeBlocks / s.TotalBlocks, s.TotalBlocks, s.BlockTokens, s.OutputTokens);
        }
    }

    /// <summary>Keeps a model in memory while it is used.</summary>
    /// <returns>Null if it is not loaded.</returns>
    public ModelLease? TryUse(string model)
    {
        lock (_gate)
        {
            var index = _loaded.FindIndex(p => p.Name == model);
            if (index < 0) return null;
            var place = _loaded[index];
            _loaded.RemoveAt(index);
            _loaded.Add(place);
            place.Users++;
            return new(place.Model, () =>
            {
                lock (_gate) place.Users--;
            });
        }
    }

    /// <summary>Brings a model into memory; others that nobody uses go for it if they must.</summary>
    public async Task<bool> LoadAsync(string model, CancellationToken cancel)
    {
        var file = _options.Models.FirstOrDefault(m => m.Name == model);
        if (file is null) return false;
        await _loading.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            lock (_gate)
            {
                if (_loaded.Exists(p => p.Name == model && p.Model.Engine.Fault is null))
                {
                    _current = model;
                    return true;
                }
            }

            var begin = _time.GetTimestamp();
            var needed = new FileInfo(file.Path) is { Exists: true } info ? info.Length : 0;
            if (!await MakeRoomAsync(model, needed).ConfigureAwait(false)) return false;
            var opened = await Task.Run(() => _options.Open(file), cancel).ConfigureAwait(false);
            lock (_gate)
            {
                _loaded.Add(new(model, opened));
                _loadTimes[model] = _time.GetElapsedTime(begin);
                (_current, _fault) = (model, null);
            }

            return await MakeRoomAsync(model, 0).ConfigureAwait(false); // Its KV counts too, now that it is known.
        }
        catch (Exception e) when (e is InputException or IOException or UnauthorizedAccessException)
        {
            lock (_gate) _fault = e.Message;
            return false;
        }
        finally
        {
            _loading.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        List<Place> all;
        lock (_gate)
        {
            all = [.. _loaded];
            _loaded.Clear();
        }

        foreach (var place in all) await place.Model.DisposeAsync().ConfigureAwait(false);
        _loading.Dispose();
    }

    /// <summary>Unloads until there is room, whoever was used longest ago first, and a broken engine of the same model.</summary>
    /// <returns>False if what is in use takes too much.</returns>
    private async Task<bool> MakeRoomAsync(string model, long neededBytes)
    {
        while (true)
        {
            Place goes;
            lock (_gate)
            {
                var broken = _loaded.Find(p => p.Name == model && p.Model.Engine.Fault is not null);
                if (broken is null && _loaded.Sum(p => p.Model.Bytes) + neededBytes <= _memoryBytes) return true;
                if ((broken ?? _loaded.Find(p => p.Users == 0 && p.Name != model)) is not { } place)
                {
                    // Alone it may take what it takes: whoever set the budget asked for this model too.
                    if (_loaded.TrueForAll(p => p.Name == model)) return true;
                    _fault = $"{model}: needs {neededBytes:#,##0} bytes, and models in use leave too few of {_memoryBytes:#,##0}.";
                    return false;
                }

                goes = place;
                _loaded.Remove(goes);
            }

            await goes.Model.DisposeAsync().ConfigureAwait(false);
        }
    }

    private sealed class Place(string name, ServingModel model)
    {
        public string Name { get; } = name;
        public ServingModel Model { get; } = model;
        public int Users { get; set; }
    }
}

/// <summary>A loaded model while a call uses it. Giving it back twice is giving it back.</summary>
internal sealed class ModelLease(ServingModel model, Action release) : IDisposable
{
    private Action? _release = release;

    public TextModel Model => model.Text;
    public EmbeddedEngine Engine => model.Engine;

    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
