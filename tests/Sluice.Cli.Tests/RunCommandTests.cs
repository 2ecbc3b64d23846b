using Sluice.Engine;
using Sluice.Testing;

namespace Sluice.Cli.Tests;

public sealed class RunCommandTests : IDisposable
{
    private readonly TestModelFile _file = new(Model(1));

    public void Dispose() => _file.Dispose();

    [Fact]
    public void Ids_in_and_ids_out_with_log_probabilities_as_one_object()
    {
        var json = Run("--prompt-ids", "5,6,7", "--max-tokens", "6", "--temperature", "0", "--logprobs", "4", "--ignore-end", "--json").Json;

        Assert.Equal([5, 6, 7], json.GetProperty("prompt_ids").EnumerateArray().Select(id => id.GetInt32()));
        Assert.Equal(6, json.GetProperty("output_ids").GetArrayLength());
        var first = json.GetProperty("logprobs")[0];
        Assert.Equal(4, first.GetProperty("top").GetArrayLength());
        Assert.Equal(json.GetProperty("output_ids")[0].GetInt32(), first.GetProperty("id").GetInt32());
        Assert.Equal(first.GetProperty("id").GetInt32(), first.GetProperty("top")[0][0].GetInt32());
        Assert.Equal(first.GetProperty("logprob").GetDouble(), first.GetProperty("top")[0][1].GetDouble());
        Assert.Equal("length", json.GetProperty("finish_reason").GetString());
    }

    [Fact]
    public void The_chat_template_goes_around_the_prompt_unless_it_is_raw()
    {
        var tokenizer = TestTokenizer.ByteLevel();

        var chat = Run("hello", "--instructions", "be brief", "--max-tokens", "1", "--json").Json;
        var raw = Run("hello", "--raw", "--max-tokens", "1", "--json").Json;

        Assert.Equal(
            tokenizer.Encode("<|im_start|>system\nbe brief<|im_end|><|im_start|>user\nhello<|im_end|>"),
            chat.GetProperty("prompt_ids").EnumerateArray().Select(id => id.GetInt32()));
        Assert.Equal(tokenizer.Encode("hello"), raw.GetProperty("prompt_ids").EnumerateArray().Select(id => id.GetInt32()));
    }

    [Theory]
    [InlineData("--system", "vllm-v0")]
    [InlineData("--system", "srpt")]
    [InlineData("--system", "static")]
    [InlineData("--system", "orca")]
    [InlineData("--threads", "2")]
    [InlineData("--lookup", null)]
    public void Neither_system_nor_threads_nor_guesses_change_an_answer(string flag, string? value)
    {
        string[] asked = ["one two one two", "--max-tokens", "24", "--temperature", "1", "--seed", "7", "--ignore-end", "--json"];

        Assert.Equal(
            Run(asked).Json.GetProperty("output_ids").GetRawText(),
            Run(value is null ? [.. asked, flag] : [.. asked, flag, value]).Json.GetProperty("output_ids").GetRawText());
    }

    // Drafted by itself every guess holds; a model of another seed guesses, and errs. Either way the answer is the same.
    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    public void A_draft_model_does_not_change_an_answer(int seed)
    {
        using var draft = new TestModelFile(Model((ulong)seed));
        string[] asked = ["hello there", "--max-tokens", "24", "--temperature", "0", "--ignore-end", "--json"];

        Assert.Equal(
            Run(asked).Json.GetProperty("output_ids").GetRawText(),
            Run([.. asked, "--draft-model", draft.Path]).Json.GetProperty("output_ids").GetRawText());
    }

    [Fact]
    public void One_beam_takes_the_likeliest_token_always_and_many_find_a_whole_answer()
    {
        string[] asked = ["hello there", "--max-tokens", "9", "--json"]; // Its answer does not end within these.

        var greedy = Run([.. asked, "--temperature", "0"]).Json;
        var one = Run([.. asked, "--beams", "1"]).Json;
        var many = Run([.. asked, "--beams", "6"]).Json;

        Assert.Equal(greedy.GetProperty("output_ids").GetRawText(), one.GetProperty("output_ids").GetRawText());
        Assert.InRange(many.GetProperty("output_ids").GetArrayLength(), 1, 9);
        Assert.NotEqual("", many.GetProperty("text").GetString());
    }

    [Fact]
    public void A_draft_model_of_another_vocabulary_is_refused()
    {
        using var other = new TestModelFile(new RandomModel { Vocabulary = TestTokenizer.SentencePiece().Vocabulary.Count }
            .AddTo(new GgufWriter().AddSentencePiece()));

        var ran = Shell.Run("run", _file.Path, "hi", "--draft-model", other.Path);

        Assert.Equal(ExitCodes.BadInput, ran.Code);
        Assert.Contains("expected a draft model of the same vocabulary", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_goes_to_output_and_times_to_the_error_stream()
    {
        var ran = Run("hello", "--max-tokens", "5", "--temperature", "0", "--ignore-end");

        Assert.EndsWith("\n", ran.Out, StringComparison.Ordinal);
        Assert.Contains("5 output tokens", ran.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--prompt-ids 1,x", "'x' is no token id")]
    [InlineData("--prompt-ids 100000", "token 100000")]
    [InlineData("hi --temperature -1", "--temperature -1: expected 0 to 100")]
    [InlineData("hi --logprobs 3", "expected --json")]
    [InlineData("hi --beams 2 --lookup", "expected at most one of them")]
    [InlineData("hi --beams 2 --json-mode", "expected neither --logprobs")]
    [InlineData("hi --beams 99", "--beams 99: expected 1 to 32")]
    [InlineData("hi --kv-memory 3", "--kv-memory 3: expected a size")]
    [InlineData("hi --kv-memory 1KB", "hold no two KV blocks")]
    [InlineData("hi --system nonsense", "no such system")]
    public void What_cannot_be_used_is_said_by_name(string args, string message)
    {
        var ran = Shell.Run(["run", _file.Path, .. args.Split(' ')]);

        Assert.Equal(ExitCodes.BadInput, ran.Code);
        Assert.Contains(message, ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Stopped_by_the_keyboard_it_ends_with_what_it_has()
    {
        var ran = Shell.Run(new CancellationToken(canceled: true), "run", _file.Path, "hi");

        Assert.Equal(ExitCodes.Interrupted, ran.Code);
    }

    private static GgufWriter Model(ulong seed) =>
        new RandomModel { Seed = seed, Vocabulary = TestTokenizer.ByteLevel().Vocabulary.Count, Dim = 64, FeedForward = 64 }
            .AddTo(new GgufWriter().AddByteLevel().Text(
                "tokenizer.chat_template", "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>{% endfor %}"));

    private Ran Run(params string[] args) => Shell.Succeed(["run", _file.Path, .. args]);
}
