using Sluice.Core;

namespace Sluice.Upstreams;

/// <summary>The slots of a llama.cpp server that can save them (<c>--slot-save-path</c>), and the files in which the KV of
/// evicted calls lies.</summary>
/// <remarks>To save the right slot one must know which it is, so every call is given one: the free one whose last call began
/// like this one by more than half, for its prefix cache; else the one used longest ago. There are a few files whose names
/// are used again and again, so that the server's disk stays bounded; the KV kept longest goes first. Should anything be
/// lost, the server computes it again: it compares tokens with those in the slot.</remarks>
internal sealed class LlamaCppSlots
{
    private const int PrefixBytes = 16 << 10;

    private readonly EngineHttp _http;
    private readonly Lock _gate = new();
    private readonly Slot[] _slots;
    private readonly LinkedList<(RequestId Request, int File)> _kept = new(); // Kept longest first.
    private readonly Stack<int> _freeFiles;
    private long _uses;

    public LlamaCppSlots(EngineHttp http, int slots)
    {
        _http = http;
        _slots = [.. Enumerable.Range(0, slots).Select(_ => new Slot())];
        _freeFiles = new(Enumerable.Range(0, http.Options.KeptMax).Reverse());
    }

    public int Count => _slots.Length;

    /// <summary>Asks a server whether it can save slots, with a name that it must refuse.</summary>
    public static async Task<bool> CanSaveAsync(EngineHttp http, CancellationToken cancel) =>
        (await http.PostAsync("/slots/0?action=save", """{"filename":""}""", cancel).ConfigureAwait(false)).Status == 400;

    /// <returns>Null if all are taken: the server finds one when it has one.</returns>
    public LlamaCppPlace? Take(UpstreamCall call)
    {
        var prefix = call.Body.Span[..Math.Min(call.Body.Length, PrefixBytes)];
        lock (_gate)
        {
            var (best, longest) = (-1, -1);
            for (var i = 0; i < _slots.Length; i++)
            {
                if (_slots[i].IsTaken) continue;
                var common = prefix.CommonPrefixLength(_slots[i].Prefix);
                if (2 * common <= _slots[i].Prefix.Length) common = 0; // Any two calls begin with the same few words of JSON.
                if (common < longest || (common == longest && _slots[i].UsedAt > _slots[best].UsedAt)) continue;
                (best, longest) = (i, common);
            }

            if (best < 0) return null;
            (_slots[best].IsTaken, _slots[best].Prefix, _slots[best].UsedAt) = (true, prefix.ToArray(), ++_uses);
            return new(this, best, call.Id);
        }
    }

    public bool Keeps(RequestId request)
    {
        lock (_gate) return Find(request) is not null;
    }

    public void Forget(RequestId request)
    {
        lock (_gate)
        {
            if (Find(request) is { } node) Remove(node);
        }
    }

    internal void Release(int slot)
    {
        lock (_gate) _slots[slot].IsTaken = false;
    }

    /// <summary>Brings what is kept of a request into a slot; nothing if nothing is. Short, so it is not given up halfway.</summary>
    internal async Task RestoreAsync(int slot, RequestId request)
    {
        LinkedListNode<(RequestId, int File)>? node;
        lock (_gate)
        {
            node = Find(request);
            if (node is null) return;
            _kept.Remove(node); // Its file is in use until it is read.
        }

        await ActAsync(slot, "restore", node.Value.File).ConfigureAwait(false);
        lock (_gate) _freeFiles.Push(node.Value.File);
    }

    /// <summary>Keeps what a slot holds. The server saves it when the call that was hung up on has left the slot.</summary>
    internal async Task SaveAsync(int slot, RequestId request)
    {
        int file;
        lock (_gate)
        {
            if (_freeFiles.Count == 0 && _kept.First is { } oldest) Remove(oldest);
            if (!_freeFiles.TryPop(out file)) return;
        }

        var isSaved = await ActAsync(slot, "save", file).ConfigureAwait(false);
        lock (_gate)
        {
            if (isSaved) _kept.AddLast((request, file));
            else _freeFiles.Push(file);
        }
    }

    private async Task<bool> ActAsync(int slot, string action, int file)
    {
        var answer = await _http
            .PostAsync($"/slots/{slot}?action={action}", $"{{\"filename\":\"sluice-{file}.bin\"}}", CancellationToken.None)
            .ConfigureAwait(false);
        return answer.IsOk;
    }

    private LinkedListNode<(RequestId Request, int File)>? Find(RequestId request)
    {
        for (var node = _kept.First; node is not null; node = node.Next)
            if (node.Value.Request == request) return node;
        return null;
    }

    private void Remove(LinkedListNode<(RequestId Request, int File)> node)
    {
        _kept.Remove(node);
        _freeFiles.Push(node.Value.File);
    }

    private sealed class Slot
    {
        public bool IsTaken { get; set; }
        public byte[] Prefix { get; set; } = [];
        public long UsedAt { get; set; }
    }
}

/// <summary>A slot while a call has it.</summary>
internal sealed class LlamaCppPlace(LlamaCppSlots slots, int slot, RequestId request) : IDisposable
{
    public int Slot => slot;

    /// <summary>Before the call: what was kept of it.</summary>
    public Task RestoreAsync() => slots.RestoreAsync(slot, request);

    /// <summary>After it was hung up on.</summary>
    public Task SaveAsync() => slots.SaveAsync(slot, request);

    public void Dispose() => slots.Release(slot);
}
