using System.Text;
using Sluice.Engine;

namespace Sluice.Cli;

/// <summary>Keeps an answer, and shows it as it comes.</summary>
/// <param name="to">Null to keep it only.</param>
/// <param name="decodes">Where tokens come without text (from a beam search): what gives it.</param>
internal sealed class AnswerPrinter(TextWriter? to, Tokenizer? decodes) : IGenerationSink
{
    private readonly StringBuilder _text = new();

    public List<TokenChoice> Tokens { get; } = [];
    public AnswerEnd? End { get; private set; }
    public string Text => _text.ToString();

    void IGenerationSink.OnToken(int sample, in TokenChoice token)
    {
        Tokens.Add(token);
        if (!string.IsNullOrEmpty(token.Text)) Show(token.Text);
    }

    void IGenerationSink.OnEnd(int sample, in AnswerEnd end)
    {
        End = end;
        if (decodes is not null) Show(decodes.Decode([.. Tokens.Select(t => t.Token).Where(t => !decodes.IsEnd(t))]));
    }

    private void Show(string text)
    {
        _text.Append(text);
        to?.Write(text);
        to?.Flush();
    }
}
