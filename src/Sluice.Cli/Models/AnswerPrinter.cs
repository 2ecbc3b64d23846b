using System.Text;
using Sluice.Engine;

namespace Sluice.Cli;

/// <summary>Keeps an answer, and shows it as it comes.</summary>
internal sealed class AnswerPrinter(TextWriter? to) : IGenerationSink
{
    private readonly StringBuilder _text = new();

    public List<TokenChoice> Tokens { get; } = [];
    public AnswerEnd? End { get; private set; }
    public string Text => _text.ToString();

    void IGenerationSink.OnToken(int sample, in TokenChoice token)
    {
        Tokens.Add(token);
        if (string.IsNullOrEmpty(token.Text)) return;
        _text.Append(token.Text);
        to?.Write(token.Text);
        to?.Flush();
    }

    void IGenerationSink.OnEnd(int sample, in AnswerEnd end) => End = end;
}
