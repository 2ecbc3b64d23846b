using Sluice.Core;

namespace Sluice.Engine;

/// <param name="Generation">The handle, null if it was refused.</param>
public readonly record struct Submission(Refusal Refusal, Generation? Generation);

/// <summary>An engine in process with a thread of its own: the only one that touches its loop. All methods may be called from
/// any thread.</summary>
/// <remarks>What callers ask for is taken up between two steps. While there is nothing to compute the thread sleeps. If a step
/// throws, every answer ends as failed and the engine takes no more.</remarks>
public sealed class EmbeddedEngine : IAsyncDisposable
{
    /// <summary>Orders that may wait for the end of a step. Submissions past it are refused as busy.</summary>
    private const int InboxMax = 4096;

    private readonly ServingLoop _loop;
    private readonly object _gate = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<Action<ServingLoop?>> _inbox = [];
    private List<Action<ServingLoop?>> _taken = [];
    private EngineStatus _status;
    private string? _fault;
    private bool _isClosing;

    /// <param name="loop">From now on this engine's alone.</param>
    public EmbeddedEngine(ServingLoop loop, string name = "engine")
    {
        _loop = loop;
        _status = loop.Status();
        (TokensMax, EmbeddingWidth) = (loop.TokensMax, loop.EmbeddingWidth);
        new Thread(Run) { IsBackground = true, Name = $"sluice {name}" }.Start();
    }

    /// <summary>Most tokens that prompt and answer can have together.</summary>
    public int TokensMax { get; }

    /// <summary>Floats of an embedding, 0 if the model gives none.</summary>
    public int EmbeddingWidth { get; }

    /// <summary>As of the last step.</summary>
    public EngineStatus Status
    {
        get
        {
            lock (_gate) return _status;
        }
    }

    /// <summary>What broke the engine, or null.</summary>
    public string? Fault
    {
        get
        {
            lock (_gate) return _fault;
        }
    }

    /// <summary>Hands a request in. Its sink may hear of it before this returns.</summary>
    public Task<Submission> SubmitAsync(GenerationRequest request)
    {
        var answer = new TaskCompletionSource<Submission>(TaskCreationOptions.RunContinuationsAsynchronously);
        var refusal = TryPost(Submit, InboxMax);
        return refusal == Refusal.None ? answer.Task : Task.FromResult(new Submission(refusal, null));

        void Submit(ServingLoop? loop)
        {
            Generation? generation = null;
            var result = loop is null ? Refusal.Broken : loop.TrySubmit(request, out generation);
            answer.SetResult(new(result, generation));
        }
    }

    /// <summary>A text as a vector of length 1.</summary>
    /// <returns>Null beside a refusal.</returns>
    public Task<(Refusal Refusal, float[]? Vector)> EmbedAsync(int[] tokens, Pooling pooling)
    {
        var answer = new TaskCompletionSource<(Refusal, float[]?)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var refusal = TryPost(Embed, InboxMax);
        return refusal == Refusal.None ? answer.Task : Task.FromResult<(Refusal, float[]?)>((refusal, null));

        void Embed(ServingLoop? loop)
        {
            var vector = new float[loop?.EmbeddingWidth ?? 0];
            var result = loop?.TryEmbed(tokens, pooling, vector) ?? Refusal.Broken;
            answer.SetResult((result, result == Refusal.None ? vector : null));
        }
    }

    /// <summary>Ends what has not ended of a generation; its sink is told.</summary>
    public void Cancel(Generation generation) => Post(loop => loop.Cancel(generation));

    /// <summary>Takes a generation off, with its KV kept while there is room; its sink is told.</summary>
    public void Evict(Generation generation) => Post(loop => loop.Evict(generation));

    /// <summary>Goes on with what was evicted.</summary>
    /// <returns>False if the engine broke or is closed, and it never will.</returns>
    public Task<bool> ResumeAsync(Generation generation)
    {
        var resumed = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        return TryPost(Resume, int.MaxValue) == Refusal.None ? resumed.Task : Task.FromResult(false);

        void Resume(ServingLoop? loop)
        {
            loop?.Resume(generation);
            resumed.SetResult(loop is not null);
        }
    }

    /// <summary>Moves a running answer out. It must be the only one of its generation.</summary>
    /// <returns>Its image, or null if it ended before it could leave.</returns>
    public Task<SequenceImage?> MoveOutAsync(Generation generation)
    {
        Check.That(generation.Sequences.Length == 1); // Here, where it harms nobody but the caller.
        var moved = new TaskCompletionSource<SequenceImage?>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (TryPost(MoveOut, int.MaxValue) != Refusal.None) return Task.FromResult<SequenceImage?>(null);
        return moved.Task;

        void MoveOut(ServingLoop? loop)
        {
            if (loop is null) moved.SetResult(null);
            else loop.MoveOut(generation, moved.SetResult);
        }
    }

    /// <summary>Takes in what another engine of this process moved out.</summary>
    /// <param name="onTaken">Told of it on the engine's thread before its next token is computed: hands on and returns.</param>
    public Task<Submission> MoveInAsync(SequenceImage image, Action<Generation>? onTaken = null)
    {
        var answer = new TaskCompletionSource<Submission>(TaskCreationOptions.RunContinuationsAsynchronously);
        var refusal = TryPost(MoveIn, InboxMax);
        return refusal == Refusal.None ? answer.Task : Task.FromResult(new Submission(refusal, null));

        void MoveIn(ServingLoop? loop)
        {
            Generation? generation = null;
            var result = loop is null ? Refusal.Broken : loop.TryMoveIn(image, out generation);
            if (generation is not null) onTaken?.Invoke(generation);
            answer.SetResult(new(result, generation));
        }
    }

    /// <summary>Ends every answer as cancelled, and returns once the thread is done with the model.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _isClosing = true;
            Monitor.Pulse(_gate);
        }

        return new(_ended.Task);
    }

    private void Post(Action<ServingLoop> order) => TryPost(loop => { if (loop is not null) order(loop); }, int.MaxValue);

    private Refusal TryPost(Action<ServingLoop?> order, int waitingMax)
    {
        lock (_gate)
        {
            if (_fault is not null || _isClosing) return Refusal.Broken;
            if (_inbox.Count >= waitingMax) return Refusal.Busy;
            _inbox.Add(order);
            Monitor.Pulse(_gate);
            return Refusal.None;
        }
    }

    private void Run()
    {
        try
        {
            while (TakeOrders())
            {
                _loop.Step();
                var status = _loop.Status();
                lock (_gate) _status = status;
            }

            Close(EndReason.Cancelled, "");
        }
#pragma warning disable CA1031 // Whatever a model throws ends this engine and not the process.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Close(EndReason.Failed, e.Message);
        }

        _ended.SetResult();
    }

    /// <returns>False once the engine closes.</returns>
    private bool TakeOrders()
    {
        lock (_gate)
        {
            while (_inbox.Count == 0 && !_loop.HasWork && !_isClosing) Monitor.Wait(_gate);
            if (_isClosing) return false;
            (_inbox, _taken) = (_taken, _inbox);
        }

        foreach (var order in _taken) order(_loop);
        _taken.Clear();
        return true;
    }

    private void Close(EndReason reason, string error)
    {
        List<Action<ServingLoop?>> left;
        lock (_gate)
        {
            if (reason == EndReason.Failed) _fault = error;
            _isClosing = true;
            left = [.. _taken, .. _inbox];
            _inbox = [];
        }

        _loop.Abandon(reason, error);
        foreach (var order in left) order(null);
    }
}
