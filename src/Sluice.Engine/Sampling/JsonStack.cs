namespace Sluice.Engine;

/// <summary>What a part of JSON that is not finished yet waits for.</summary>
internal enum JsonPhase
{
    /// <summary>A value. Extra: white space so far.</summary>
    Value,

    /// <summary>The rest of a text. State: <see cref="JsonText"/>; Extra: characters so far, where they are bounded.</summary>
    Text,

    /// <summary>The rest of a number. State: <see cref="JsonNumber"/>.</summary>
    Number,

    /// <summary>The rest of a literal. State: the first that it may be, and above 16 bits the one after the last; Extra: bytes of
    /// it so far.</summary>
    Literal,

    /// <summary>The rest of a property's key. State: which property; Extra: bytes of it so far.</summary>
    Key,

    /// <summary>The colon after a key; Node is that of the value. Extra: white space so far.</summary>
    Colon,

    /// <summary>After the opening brace. State: the property that may come next; Extra: white space so far.</summary>
    ObjectFirst,

    /// <summary>After a member: a comma or the end.</summary>
    ObjectNext,

    /// <summary>After a comma: a key.</summary>
    ObjectKey,

    /// <summary>After the opening bracket. State: elements so far; Extra: white space so far.</summary>
    ArrayFirst,

    /// <summary>After an element: a comma or the end.</summary>
    ArrayNext,
}

/// <summary>The unfinished parts of JSON, outermost first. No part: it is complete.</summary>
internal sealed class JsonStack
{
    /// <summary>Deepest nesting; deeper the model has to close what it opened.</summary>
    private const int DepthMax = 64;

    private readonly Frame[] _frames = new Frame[DepthMax];

    public record struct Frame(JsonPhase Phase, int Node, int State, int Extra);

    public int Depth { get; private set; }

    public ref Frame Top => ref _frames[Depth - 1];

    public ReadOnlySpan<Frame> Frames => _frames.AsSpan(0, Depth);

    /// <summary>Room for what one value can need on top of those around it.</summary>
    public bool HasRoom => Depth + 4 <= DepthMax;

    public void Push(JsonPhase phase, int node, int state = 0, int extra = 0) => _frames[Depth++] = new(phase, node, state, extra);

    public void Pop() => Depth--;

    public void CopyFrom(JsonStack other)
    {
        Depth = other.Depth;
        other.Frames.CopyTo(_frames);
    }
}

/// <summary>Several ways to read what is there so far. The stacks are used again.</summary>
internal sealed class JsonStacks
{
    /// <summary>More than that many ways at once are not followed.</summary>
    private const int CountMax = 64;

    private readonly List<JsonStack> _stacks = [];

    public int Count { get; private set; }

    public JsonStack this[int index] => _stacks[index];

    public void Clear() => Count = 0;

    /// <summary>Adds a copy; null if there are too many.</summary>
    public JsonStack? Add(JsonStack from)
    {
        if (Count == CountMax) return null;
        if (Count == _stacks.Count) _stacks.Add(new());
        var stack = _stacks[Count++];
        stack.CopyFrom(from);
        return stack;
    }

    /// <summary>Takes back the one that was added last.</summary>
    public void RemoveLast() => Count--;

    public void CopyFrom(JsonStacks other)
    {
        Clear();
        for (var i = 0; i < other.Count; i++) Add(other[i]);
    }
}
