using System.Text;
using Sluice.Core;

namespace Sluice.Upstreams.Tests;

public sealed class PrometheusTextTests
{
    private static List<string> Read(string text)
    {
        var found = new List<string>();
        PrometheusText.Read(Encoding.UTF8.GetBytes(text), (name, labels, value) =>
            found.Add(FormattableString.Invariant($"{Encoding.UTF8.GetString(name)}|{Encoding.UTF8.GetString(labels)}|{value}")));
        return found;
    }

    [Fact]
    public void Samples_are_read_with_and_without_labels_and_times()
    {
        const string Text = """
            # HELP a:b Text with {braces} 1
            # TYPE a:b gauge
            a:b 1
            a:b{} 2
            a:b{x="1",y="a}b\"c"} 3.5e2 1395066363000
              spaced   4
            nan NaN
            inf +Inf

            """;

        Assert.Equal(
            ["a:b||1", "a:b||2", "a:b|x=\"1\",y=\"a}b\\\"c\"|350", "spaced||4", "nan||NaN", "inf||Infinity"], Read(Text));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("a{")]
    [InlineData("a{x=\"")]
    [InlineData("a{x=\"1\"")]
    [InlineData("a{x=\"1\\\"} 1")]
    [InlineData("a b")]
    [InlineData("{x=\"1\"} 1")]
    [InlineData("a 1x")]
    [InlineData("a{x=\"1\"}")]
    public void What_is_no_sample_is_passed_over(string line)
    {
        Assert.Equal(["ok||1"], Read(line + "\nok 1\n"));
    }

    [Theory]
    [InlineData("block_size", "16")]
    [InlineData("b", "x\"\\\n,y=\"")]
    [InlineData("none", null)]
    public void A_label_is_found_by_its_whole_name(string name, string? value)
    {
        const string Labels = """no_block_size="8",block_size="16", b="x\"\\\n,y=\"",""";

        Assert.Equal(value, PrometheusText.Label(Encoding.UTF8.GetBytes(Labels), Encoding.UTF8.GetBytes(name)));
    }

    [Fact]
    public void Random_bytes_harm_nobody()
    {
        const string Alphabet = "ab{}\"\\=, \n1#.+N";
        for (var i = 0; i < Cases.Count(500); i++)
        {
            var rng = new Rng(Cases.FirstSeed + (ulong)i);
            var text = new string([.. Enumerable.Range(0, rng.Next(60)).Select(_ => Alphabet[rng.Next(Alphabet.Length)])]);
            var lines = text.Count(c => c == '\n') + 1;

            Assert.InRange(Read(text).Count, 0, lines);
            PrometheusText.Label(Encoding.UTF8.GetBytes(text), "a"u8);
        }
    }

    [Fact]
    public void Several_engines_behind_one_address_are_added_up_and_shares_averaged()
    {
        const string Text = """
            vllm:num_requests_running{engine="0"} 3
            vllm:num_requests_running{engine="1"} 4
            vllm:kv_cache_usage_perc{engine="0"} 0.5
            vllm:kv_cache_usage_perc{engine="1"} 1.0
            vllm:bad NaN
            """;
        var sums = new MetricSums(Encoding.UTF8.GetBytes(Text), "vllm:", "");

        Assert.Equal((7, 0.75, -1, -1L), (sums.Count("num_requests_running"), sums.Mean("kv_cache_usage_perc"), sums.Count("none"), sums.Sum("bad")));
    }
}
