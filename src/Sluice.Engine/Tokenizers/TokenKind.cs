namespace Sluice.Engine;

/// <summary>What a token is, by the number in <c>tokenizer.ggml.token_type</c>.</summary>
public enum TokenKind : byte
{
    Normal = 1,
    Unknown = 2,

    /// <summary>Steers the model and is no text: begin, end, roles. Never comes from text unless that is asked
    /// for.</summary>
    Control = 3,

    /// <summary>A text that is always one token.</summary>
    UserDefined = 4,
    Unused = 5,

    /// <summary>One byte, <c>&lt;0x0A&gt;</c> in the file.</summary>
    Byte = 6,
}
