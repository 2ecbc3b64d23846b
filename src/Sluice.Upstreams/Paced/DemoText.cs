using Sluice.Core;

namespace Sluice.Upstreams;

/// <summary>Readable text that no model wrote: token after token, the same for the same seed.</summary>
/// <remarks>A token is a word with the blank before it, a mark, or a paragraph break. The first sentence says what it is. O(1)
/// per token.</remarks>
internal struct DemoText(ulong seed)
{
    private const int SentencesPerParagraph = 4;

    private static readonly string[] s_opening = Split("This answer comes from a demo engine , so no model wrote it .");

    private static readonly string[][] s_sentences =
    [
        Split("The $noun waits until the $noun has $adjective room ."),
        Split("Every $noun keeps its place , and the $noun says how long that takes ."),
        Split("One $adjective $noun moves ahead when its promise would break otherwise ."),
        Split("In most cases the $adjective $noun is served before the $adjective one ."),
        Split("When the $noun is full , one $noun gives way and comes back later ."),
        Split("Each step of the $noun makes one token for every running $noun ."),
        Split("It helps to think of the $noun as one $adjective line at a counter ."),
        Split("The same $noun runs in the simulator , which is why the $noun can be tried first ."),
        Split("The $noun that was moved goes on where it stopped , without a seam ."),
        Split("As long as the $noun keeps pace , nobody notices the $adjective $noun behind it ."),
    ];

    private static readonly string[] s_nouns =
        Split("queue request engine batch promise answer prompt stream plan token group cache");

    private static readonly string[] s_adjectives =
        Split("short long patient urgent steady small large quiet busy early");

    private Rng _rng = new(seed);
    private string[] _sentence = s_opening;
    private int _sentences; // before this one
    private int _word; // next of the sentence; -1 for the break before it

    /// <summary>The token just made ends a sentence.</summary>
    public readonly bool IsAtEnd => _word == _sentence.Length;

    public string Next()
    {
        if (IsAtEnd)
        {
            _sentence = s_sentences[_rng.Next(s_sentences.Length)];
            _word = ++_sentences % SentencesPerParagraph == 0 ? -1 : 0;
        }

        if (_word < 0)
        {
            _word = 0;
            return "\n\n";
        }

        var token = _sentence[_word++] switch
        {
            " $noun" => s_nouns[_rng.Next(s_nouns.Length)],
            " $adjective" => s_adjectives[_rng.Next(s_adjectives.Length)],
            var word => word,
        };
        return _word == 1 && _sentences % SentencesPerParagraph == 0 ? token[1..] : token;
    }

    private static string[] Split(string sentence) =>
        [.. sentence.Split(' ').Select(word => word is "." or "," ? word : " " + word)];
}
