using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

public sealed class SamplingChooserTests
{
    private static readonly Tokenizer s_tokenizer = TestTokenizer.ByteLevel();
    private static readonly int s_size = s_tokenizer.Vocabulary.Count;

    [Fact]
    public void Without_temperature_the_likeliest_token_is_taken_and_of_equal_ones_the_first()
    {
        var logits = Answers.Logits(s_size, 1);
        (logits[40], logits[70]) = (9, 9);

        Assert.Equal(40, Choose(SamplingOptions.Greedy, logits).Token);
        Assert.Equal(70, Choose(SamplingOptions.Greedy with { LogitBias = new Dictionary<int, float> { [40] = -100 } }, logits).Token);
        Assert.Equal(5, Choose(SamplingOptions.Greedy with { LogitBias = new Dictionary<int, float> { [5] = 30 } }, logits).Token);
    }

    [Fact]
    public void Log_probabilities_are_those_of_the_model_whatever_the_settings()
    {
        var logits = Answers.Logits(s_size, 2);
        var sum = Math.Log(logits.Sum(logit => Math.Exp(logit)));
        var expected = logits.Select((logit, i) => (i, logit - sum)).OrderByDescending(pair => pair.Item2).Take(5).ToArray();

        var choice = Choose(new()
        {
            Temperature = 0.3f, Logprobs = true, TopLogprobs = 5, FrequencyPenalty = 1, LogitBias = new Dictionary<int, float> { [3] = 50 },
        }, logits);

        Assert.Equal(3, choice.Token);
        Assert.Equal(logits[3] - sum, choice.Logprob, 5);
        Assert.Equal(expected.Select(pair => pair.i), choice.Top!.Select(top => top.Token));
        Assert.All(expected.Zip(choice.Top!), pair => Assert.Equal(pair.First.Item2, pair.Second.Logprob, 5));
    }

    public static TheoryData<string, SamplingOptions, int> Cuts => new()
    {
        { "all", new(), int.MaxValue },
        { "top-k", new() { TopK = 3 }, 3 },
        { "top-p", new() { TopP = 0.5f }, -1 },
        { "min-p", new() { MinP = 0.2f }, -1 },
        { "both", new() { TopK = 5, TopP = 0.9f, Temperature = 1.3f }, -1 },
    };

    /// <summary>Against frequencies computed from the definition, over many seeds.</summary>
    [Theory, MemberData(nameof(Cuts))]
    public void Draws_follow_the_definition(string _, SamplingOptions options, int most)
    {
        var logits = Answers.Logits(s_size, 3, spread: 4);
        var expected = Expected(logits, options);
        if (most > 0 && most < int.MaxValue) Assert.Equal(most, expected.Count(p => p > 0));
        const int draws = 20_000;
        var counts = new int[s_size];

        for (var seed = 0UL; seed < draws; seed++) counts[Choose(options with { Seed = seed }, [.. logits]).Token]++;

        for (var i = 0; i < s_size; i++)
        {
            if (expected[i] == 0) Assert.Equal(0, counts[i]);
            else Assert.InRange(counts[i], draws * expected[i] - 6 * Math.Sqrt(draws * expected[i]) - 3, draws * expected[i] + 6 * Math.Sqrt(draws * expected[i]) + 3);
        }
    }

    [Fact]
    public void A_choice_depends_on_seed_sample_and_position_and_on_nothing_else()
    {
        var options = new SamplingOptions { Seed = 7, TopP = 0.95f };
        float[] Logits(int position) => Answers.Logits(s_size, (ulong)position);
        var whole = Answers.Run(new(s_tokenizer, options), Logits, 40).Tokens;

        // Another object goes on from the middle: as after an eviction, on another engine.
        var rest = new List<int> { 1 };
        rest.AddRange(whole[..20]);
        var second = new SamplingChooser(s_tokenizer, options);
        for (var i = 20; i < whole.Length; i++) rest.Add(second.Choose(Logits(i), [.. rest], 1).Token);

        Assert.Equal(whole, rest.Skip(1));
        Assert.NotEqual(whole, Answers.Run(new(s_tokenizer, options, sample: 1), Logits, 40).Tokens);
        Assert.NotEqual(whole, Answers.Run(new(s_tokenizer, options with { Seed = 8 }), Logits, 40).Tokens);
    }

    [Fact]
    public void Penalties_count_what_was_said()
    {
        var logits = new float[s_size];
        (logits[10], logits[11], logits[12], logits[13]) = (5, 4.5f, 4.4f, 4.3f);
        int Token(SamplingOptions options, params int[] tokens) =>
            new SamplingChooser(s_tokenizer, options).Choose([.. logits], tokens, 1).Token;

        Assert.Equal(10, Token(SamplingOptions.Greedy, 1, 10, 10));
        Assert.Equal(11, Token(SamplingOptions.Greedy with { PresencePenalty = 0.55f }, 1, 10));
        Assert.Equal(10, Token(SamplingOptions.Greedy with { PresencePenalty = 0.55f }, 10)); // In the prompt only.
        Assert.Equal(13, Token(SamplingOptions.Greedy with { FrequencyPenalty = 0.3f }, 1, 10, 10, 10, 11, 12));
        Assert.Equal(11, Token(SamplingOptions.Greedy with { RepetitionPenalty = 1.2f }, 10));
    }

    [Theory]
    [InlineData("the queue holds", "queue", "the ")]
    [InlineData("aaab", "aab", "a")]
    [InlineData("the quest", "queue", "the quest")]
    [InlineData("x queues and queue", "queue", "x ")]
    [InlineData("é😀 end", "😀", "é")]
    public void A_stop_text_ends_the_answer_wherever_its_tokens_are_cut(string said, string stop, string expected)
    {
        var tokens = s_tokenizer.Encode(said, addSpecial: false);
        var bytes = said.EnumerateRunes().SelectMany(rune => s_tokenizer.Encode(rune.ToString(), addSpecial: false)).ToArray();

        foreach (var way in new[] { tokens, bytes })
        {
            var chooser = new SamplingChooser(s_tokenizer, SamplingOptions.Greedy with { Stop = [stop, "never"] });
            var (_, text, ended) = Answers.Run(chooser, Answers.Saying(s_tokenizer, way), 60);
            Assert.Equal(expected, text);
            Assert.True(ended);
        }
    }

    [Fact]
    public void Text_that_may_become_a_stop_is_held_back_and_given_when_it_did_not()
    {
        var chooser = new SamplingChooser(s_tokenizer, SamplingOptions.Greedy with { Stop = ["END"] });
        int[] letters = [.. "aENb".SelectMany(c => s_tokenizer.Encode(c.ToString(), addSpecial: false))];
        var tokens = new List<int> { 1 };
        var texts = new List<string?>();
        for (var i = 0; i < letters.Length; i++)
        {
            var choice = chooser.Choose(Answers.Saying(s_tokenizer, letters)(i), [.. tokens], 1);
            tokens.Add(choice.Token);
            texts.Add(choice.Text);
        }

        Assert.Equal(["a", "", "", "ENb"], texts);
        Assert.Equal("", chooser.Rest());
    }

    [Fact]
    public void End_tokens_end_unless_they_are_ignored_or_too_early()
    {
        var say = Answers.Saying(s_tokenizer, s_tokenizer.Encode("the", addSpecial: false));
        int Length(SamplingOptions options) => Answers.Run(new(s_tokenizer, options), say, 12).Tokens.Length;
        var words = s_tokenizer.Encode("the", addSpecial: false).Length;

        Assert.Equal(words + 1, Length(SamplingOptions.Greedy));
        Assert.Equal(12, Length(SamplingOptions.Greedy with { IgnoresEnd = true }));
        Assert.Equal(9, Length(SamplingOptions.Greedy with { MinTokens = 8 }));
        Assert.Equal(1, Length(SamplingOptions.Greedy with { StopTokens = [s_tokenizer.Encode("the", addSpecial: false)[0]] }));
    }

    [Fact]
    public void Choosing_allocates_nothing_once_warm()
    {
        var chooser = new SamplingChooser(s_tokenizer, new()
        {
            Temperature = 0.8f, TopK = 40, TopP = 0.9f, MinP = 0.01f, FrequencyPenalty = 0.1f, RepetitionPenalty = 1.1f, Logprobs = true,
            Grammar = JsonGrammar.AnyObject, LogitBias = new Dictionary<int, float> { [3] = 1 },
        });
        var logits = Enumerable.Range(0, 300).Select(i => Answers.Logits(s_size, (ulong)i)).ToArray();
        var tokens = new int[400];
        tokens[0] = 1;
        for (var round = 0; round < 2; round++)
            for (var i = 0; i < logits.Length; i++) tokens[i + 1] = chooser.Choose([.. logits[i]], tokens.AsSpan(0, i + 1), 1).Token;

        // The runtime sets things up once, in whichever round first comes there. What a choice allocates shows in every round.
        var least = long.MaxValue;
        for (var round = 0; round < 4 && least > 4096; round++)
        {
            var copies = logits.Select(row => row.ToArray()).ToArray();
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < logits.Length; i++) tokens[i + 1] = chooser.Choose(copies[i], tokens.AsSpan(0, i + 1), 1).Token;
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.InRange(least, 0, 4096); // Characters of several bytes are strings of their own.
    }

    [Theory]
    [InlineData("temperature: -1; expected 0 to 100.")]
    [InlineData("top_p: 0; expected")]
    [InlineData("stop: a text of 0 characters; expected 1 to 1024.")]
    [InlineData("logit_bias: there is no token 99999; expected ids from 0 to")]
    [InlineData("frequency_penalty: NaN; expected -2 to 2.")]
    public void Options_out_of_range_are_refused_by_name(string message)
    {
        var options = message.Split(':')[0] switch
        {
            "temperature" => new SamplingOptions { Temperature = -1 },
            "top_p" => new() { TopP = 0 },
            "stop" => new() { Stop = [""] },
            "frequency_penalty" => new() { FrequencyPenalty = float.NaN },
            _ => new() { LogitBias = new Dictionary<int, float> { [99999] = 1 } },
        };

        Assert.StartsWith(message, Assert.Throws<InputException>(() => new SamplingChooser(s_tokenizer, options)).Message, StringComparison.Ordinal);
    }

    private static TokenChoice Choose(SamplingOptions options, float[] logits) =>
        new SamplingChooser(s_tokenizer, options).Choose([.. logits], [1], 1);

    /// <summary>Probabilities after temperature, min-p, top-k and top-p, from sorting everything.</summary>
    private static double[] Expected(float[] logits, SamplingOptions options)
    {
        var max = logits.Max();
        var left = logits.Select((logit, i) => (i, Weight: Math.Exp((logit - max) / options.Temperature)))
            .Where(pair => pair.Weight >= options.MinP).OrderByDescending(pair => pair.Weight).ThenBy(pair => pair.i).ToList();
        if (options.TopK > 0) left = left.Take(options.TopK).ToList();
        var total = left.Sum(pair => pair.Weight);
        var (kept, sum) = (0, 0.0);
        while (kept < left.Count && sum < options.TopP * total) sum += left[kept++].Weight;
        var result = new double[logits.Length];
        foreach (var (i, weight) in left.Take(kept)) result[i] = weight / sum;
        return result;
    }
}
