using System.Buffers;

namespace Sluice.Gateway;

/// <summary>A body while it comes: a small one in an array of its own, more of it in pieces that are used again. So one that turns out
/// to be too large leaves nothing to collect, and who sends slowly holds what was sent.</summary>
internal sealed class GrowingBody : IDisposable
{
    private const int FirstMax = 64 << 10;
    private const int PieceBytes = 256 << 10;

    private readonly List<byte[]> _pieces = []; // Behind the first.
    private byte[] _first;

    /// <param name="expected">Bytes to begin with, as far as that is sensible.</param>
    public GrowingBody(long expected) =>
        _first = expected == 0 ? [] : GC.AllocateUninitializedArray<byte>((int)Math.Min(expected, FirstMax));

    public int Length { get; private set; }

    public void Append(in ReadOnlySequence<byte> bytes)
    {
        foreach (var segment in bytes) Append(segment.Span);
    }

    /// <summary>All of it in one piece. Nothing can be appended after that.</summary>
    public ReadOnlyMemory<byte> Take()
    {
        if (_pieces.Count == 0) return _first.AsMemory(0, Length);
        var whole = GC.AllocateUninitializedArray<byte>(Length);
        _first.CopyTo(whole, 0);
        for (var (i, at) = (0, _first.Length); at < Length; at += PieceBytes)
            _pieces[i++].AsSpan(0, Math.Min(PieceBytes, Length - at)).CopyTo(whole.AsSpan(at));
        return whole;
    }

    public void Dispose()
    {
        foreach (var piece in _pieces) ArrayPool<byte>.Shared.Return(piece);
        _pieces.Clear();
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (Length + bytes.Length > _first.Length && _first.Length < FirstMax)
            Array.Resize(ref _first, Math.Min(FirstMax, Math.Max(_first.Length * 2, Length + bytes.Length)));
        while (!bytes.IsEmpty)
        {
            var room = Room();
            var some = bytes[..Math.Min(room.Length, bytes.Length)];
            some.CopyTo(room);
            Length += some.Length;
            bytes = bytes[some.Length..];
        }
    }

    private Span<byte> Room()
    {
        if (Length < _first.Length) return _first.AsSpan(Length);
        var (piece, at) = Math.DivRem(Length - _first.Length, PieceBytes);
        if (piece == _pieces.Count) _pieces.Add(ArrayPool<byte>.Shared.Rent(PieceBytes));
        return _pieces[piece].AsSpan(at, PieceBytes - at);
    }
}
