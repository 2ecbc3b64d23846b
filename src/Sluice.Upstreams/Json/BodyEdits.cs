using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Sluice.Core;

namespace Sluice.Upstreams;

/// <summary>A caller's JSON object with a few members changed. What is not changed goes out as it came in, byte for
/// byte.</summary>
/// <remarks>The body is read once. A member that occurs several times is changed wherever it stands, since parsers differ in
/// which one they believe.</remarks>
internal sealed class BodyEdits
{
    private const int NameBytesMax = 128;

    private readonly ReadOnlyMemory<byte> _body;
    private readonly List<Edit> _edits = new(8);
    private readonly List<Member> _members = new(16);
    private readonly List<(string Name, string Json)> _added = new(4);
    private int _open; // just behind the opening brace

    /// <exception cref="InputException">It is not a JSON object.</exception>
    public BodyEdits(ReadOnlyMemory<byte> body)
    {
        _body = body;
        try
        {
            Read();
        }
        catch (JsonException e)
        {
            throw new InputException($"The body is not JSON: {e.Message}");
        }
        catch (InvalidOperationException)
        {
            throw new InputException("The body holds text that is not valid Unicode.");
        }
    }

    public bool Has(string name) => Find(name) is not null;

    /// <summary>A member's JSON; empty if it is not there.</summary>
    public string Raw(string name) => Find(name) is { } member ? Text(member) : "";

    public bool IsTrue(string name) => Find(name) is { Kind: JsonTokenType.True };

    /// <summary>Sets a member to a JSON value, whether or not it is there.</summary>
    public void Set(string name, string json)
    {
        var isThere = false;
        foreach (var member in _members)
        {
            if (member.Name != name) continue;
            isThere = true;
            Replace(member, json);
        }

        if (isThere) return;
        _added.RemoveAll(a => a.Name == name);
        _added.Add((name, json));
    }

    /// <summary>Sets a member to a JSON value if it is there.</summary>
    public void SetIfThere(string name, string json)
    {
        foreach (var member in _members)
            if (member.Name == name) Replace(member, json);
    }

    /// <summary>Takes something off a count, down to a least value. Leaves what is no whole number to the
    /// engine.</summary>
    /// <returns>False if less than the least value would be left.</returns>
    public bool Reduce(string name, int by, int least)
    {
        var isEnough = true;
        foreach (var member in _members)
        {
            if (member.Name != name || member.Kind != JsonTokenType.Number || !long.TryParse(Text(member), out var count)) continue;
            isEnough &= count - by >= least;
            Replace(member, Math.Max(least, count - by).ToString(CultureInfo.InvariantCulture));
        }

        return isEnough;
    }

    /// <summary>Sets a member of an object that is a member; makes the object if it is not there.</summary>
    /// <returns>True if it had this value already.</returns>
    public bool SetIn(string name, string inner, string json)
    {
        if (Find(name) is not { Kind: JsonTokenType.StartObject } member)
        {
            Set(name, $"{{{Quote(inner)}:{json}}}");
            return false;
        }

        var nested = new BodyEdits(_body.Slice(member.At, member.Length));
        if (nested.Find(inner) is { } found && nested.Text(found) == json) return true;
        nested.Set(inner, json);
        Replace(member, nested.ToString());
        return false;
    }

    /// <summary>Appends text to a member that is a string, or a list of one string.</summary>
    /// <returns>False if it is neither.</returns>
    public bool AppendToText(string name, string text)
    {
        if (Find(name) is not { } member) return false;
        var json = _body.Span.Slice(member.At, member.Length);
        var reader = new Utf8JsonReader(json);
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartArray) reader.Read();
        if (reader.TokenType != JsonTokenType.String) return false;
        var at = member.At + (int)reader.BytesConsumed - 1;
        if (member.Kind == JsonTokenType.StartArray && (!reader.Read() || reader.TokenType != JsonTokenType.EndArray)) return false;

        _edits.Add(new(at, 0, JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes.ToArray()));
        return true;
    }

    /// <summary>Appends to the text of a chat's last message if the caller wrote its beginning himself, else adds a message
    /// of the assistant.</summary>
    /// <returns>False if the messages cannot be continued.</returns>
    public bool AppendAssistant(string text, bool isBegun)
    {
        if (Find("messages") is not { Kind: JsonTokenType.StartArray } member) return false;
        var (last, count) = (-1, 0);
        var reader = new Utf8JsonReader(_body.Span.Slice(member.At, member.Length));
        reader.Read();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            (last, count) = (member.At + (int)reader.TokenStartIndex, count + 1);
            reader.Skip();
        }

        if (count == 0) return false;
        var end = member.At + member.Length - 1;
        if (!isBegun)
        {
            var message = $",{{\"role\":\"assistant\",\"content\":{Quote(text)}}}";
            _edits.Add(new(end, 0, Encoding.UTF8.GetBytes(message)));
            return true;
        }

        var lastMessage = new BodyEdits(_body[last..end]);
        if (!lastMessage.AppendToText("content", text)) return false;
        foreach (var edit in lastMessage._edits) _edits.Add(edit with { At = edit.At + last });
        return true;
    }

    /// <summary>The body as it goes out, in pieces that point into the caller's where nothing changes.</summary>
    public EditedBody ToBody()
    {
        _edits.Sort(static (a, b) => a.At.CompareTo(b.At));
        if (_added.Count > 0) _edits.Insert(0, new(_open, 0, Encoding.UTF8.GetBytes(Added())));
        var pieces = new List<ReadOnlyMemory<byte>>(2 * _edits.Count + 1);
        var at = 0;
        foreach (var edit in _edits)
        {
            if (edit.At > at) pieces.Add(_body[at..edit.At]);
            pieces.Add(edit.Text);
            at = edit.At + edit.Length;
        }

        pieces.Add(_body[at..]);
        return new EditedBody(pieces);
    }

    public override string ToString() => ToBody().ToString();

    private void Read()
    {
        var reader = new Utf8JsonReader(_body.Span);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw new InputException("The body must be a JSON object.");
        _open = (int)reader.BytesConsumed;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = Name(ref reader);
            reader.Read();
            var (at, kind) = ((int)reader.TokenStartIndex, reader.TokenType);
            reader.Skip();
            _members.Add(new(name, at, (int)reader.BytesConsumed - at, kind));
        }

        if (reader.Read()) throw new InputException("The body must be one JSON object.");
    }

    /// <summary>The frequent ones without an allocation; empty for one that is too long to be of interest.</summary>
    private static string Name(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("model"u8)) return "model";
        if (reader.ValueTextEquals("messages"u8)) return "messages";
        if (reader.ValueTextEquals("stream"u8)) return "stream";
        if (reader.ValueTextEquals("max_tokens"u8)) return "max_tokens";
        if (reader.ValueTextEquals("prompt"u8)) return "prompt";
        if (reader.ValueTextEquals("content"u8)) return "content";
        return reader.ValueSpan.Length <= NameBytesMax ? reader.GetString()! : "";
    }

    private Member? Find(string name)
    {
        for (var i = _members.Count - 1; i >= 0; i--)
            if (_members[i].Name == name) return _members[i];
        return null;
    }

    private string Text(Member member) => Encoding.UTF8.GetString(_body.Span.Slice(member.At, member.Length));

    private void Replace(Member member, string json)
    {
        _edits.RemoveAll(e => e.At == member.At && e.Length == member.Length);
        _edits.Add(new(member.At, member.Length, Encoding.UTF8.GetBytes(json)));
    }

    private string Added()
    {
        var text = string.Join(',', _added.Select(a => $"{Quote(a.Name)}:{a.Json}"));
        return _members.Count > 0 ? text + "," : text;
    }

    /// <summary>Text as a JSON string.</summary>
    public static string Quote(string text) => $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"";

    private readonly record struct Edit(int At, int Length, byte[] Text);

    private readonly record struct Member(string Name, int At, int Length, JsonTokenType Kind);
}
