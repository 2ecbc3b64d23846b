using System.Text;
using Microsoft.AspNetCore.Http;

namespace Sluice.Gateway.Tests;

/// <summary>Every spelling of urgency, and who wins over whom.</summary>
public sealed class UrgencyReaderTests
{
    public static TheoryData<string, string, string> Classes => new()
    {
        // headers, fields of the body, class
        { "", "", "default" },
        { "x-sluice-class: batch", "", "batch" },
        { "x-sluice-class: Interactive", "", "interactive" },
        { "x-smg-priority: system", "", "interactive" },
        { "x-smg-priority: interactive", "", "interactive" },
        { "x-smg-priority: default", "", "default" },
        { "x-smg-priority: bulk", "", "background" },
        { "x-llm-d-inference-objective: background", "", "background" },
        { "x-gateway-inference-objective: background", "", "background" },
        { "x-llm-d-inference-objective: somebodys-own", "", "default" },
        { "x-dynamo-request-priority: 5", "", "interactive" },
        { "x-dynamo-request-priority: -5", "", "background" },
        { "x-dynamo-request-strict-priority: -1", "", "background" },
        { "", "\"priority\":-3", "interactive" },
        { "", "\"priority\":0", "default" },
        { "", "\"priority\":3", "background" },
        { "", "\"nvext\":{\"agent_hints\":{\"priority\":2}}", "interactive" },
        { "", "\"nvext\":{\"agent_hints\":{\"strict_priority\":-2}}", "background" },
        { "", "\"service_tier\":\"auto\"", "default" },
        { "", "\"service_tier\":\"default\"", "default" },
        { "", "\"service_tier\":\"flex\"", "background" },
        { "", "\"service_tier\":\"priority\"", "interactive" },
        { "", "\"service_tier\":\"fast\"", "interactive" },
        { "", "\"service_tier\":\"scale\"", "interactive" },

        // Precedence: own header, SMG, llm-d, Dynamo's header, its hints, priority, service_tier.
        { "x-sluice-class: batch\nx-smg-priority: system", "", "batch" },
        { "x-smg-priority: bulk\nx-llm-d-inference-objective: interactive", "", "background" },
        { "x-llm-d-inference-objective: batch\nx-dynamo-request-priority: 9", "", "batch" },
        { "x-dynamo-request-priority: -1", "\"nvext\":{\"agent_hints\":{\"priority\":9}}", "background" },
        { "", "\"nvext\":{\"agent_hints\":{\"priority\":9}},\"priority\":9", "interactive" },
        { "", "\"priority\":1,\"service_tier\":\"priority\"", "background" },
        { "", "\"priority\":0,\"service_tier\":\"priority\"", "interactive" },
    };

    [Theory, MemberData(nameof(Classes))]
    public void A_spelling_means_a_class(string headers, string fields, string expected)
    {
        Assert.Null(Read(headers, fields, out var urgency));

        Assert.Equal(expected, SloClasses.Default[urgency.Class].Name);
    }

    [Theory]
    [InlineData("x-sluice-ttft-ms: 300\nx-llm-d-slo-ttft-ms: 900", 300)]
    [InlineData("x-llm-d-slo-ttft-ms: 900\nx-slo-ttft-ms: 1200", 900)]
    [InlineData("x-slo-ttft-ms: 1200", 1200)]
    public void A_promise_of_ones_own_overrides_the_classs(string headers, double milliseconds)
    {
        Assert.Null(Read(headers, "", out var urgency));

        Assert.Equal(milliseconds, urgency.Slo.Ttft.TotalMilliseconds);
        Assert.Equal(TimeSpan.MaxValue, urgency.Slo.Tpot);
        Assert.True(urgency.Refuses);
    }

    [Fact]
    public void An_SDKs_read_time_out_is_a_deadline_of_the_whole_answer_and_a_limit_of_the_wait()
    {
        Assert.Null(Read("x-stainless-read-timeout: 20", "", out var urgency));

        Assert.Equal(20, urgency.Slo.E2e.TotalSeconds);
        Assert.Equal(19, urgency.QueueMax.TotalSeconds);
        Assert.True(urgency.IsOwnPatience);
    }

    [Fact]
    public void Of_a_stream_it_is_a_deadline_of_the_first_token()
    {
        Assert.Null(Read("x-stainless-read-timeout: 5", "\"stream\":true", out var urgency));

        Assert.Equal(5, urgency.Slo.Ttft.TotalSeconds);
        Assert.Equal(TimeSpan.MaxValue, urgency.Slo.E2e);
    }

    [Theory]
    [InlineData("x-sluice-class: urgent", "x-sluice-class", "interactive, default, background, batch")]
    [InlineData("x-sluice-ttft-ms: soon", "x-sluice-ttft-ms", "milliseconds")]
    [InlineData("x-llm-d-slo-tpot-ms: -1", "x-llm-d-slo-tpot-ms", "milliseconds")]
    [InlineData("x-sluice-on-late: perhaps", "x-sluice-on-late", "'hold' or 'refuse'")]
    [InlineData("x-sluice-on-interruption: cry", "x-sluice-on-interruption", "continue")]
    [InlineData("x-dynamo-request-priority: high", "x-dynamo-request-priority", "whole number")]
    public void A_header_that_cannot_be_read_is_named_with_what_would_be_right(string headers, string name, string right)
    {
        var error = Read(headers, "", out _);

        Assert.NotNull(error);
        Assert.Equal(name, error.Param);
        Assert.Contains(right, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_has_a_class_of_its_own_that_any_spelling_overrides()
    {
        var caller = Caller.Anybody with { Class = "background" };

        Assert.Null(Read("", "", out var byKey, caller));
        Assert.Null(Read("x-sluice-class: default", "", out var spelled, caller));

        Assert.Equal("background", SloClasses.Default[byKey.Class].Name);
        Assert.Equal("default", SloClasses.Default[spelled.Class].Name);
    }

    [Fact]
    public void A_key_may_not_use_classes_that_are_not_its()
    {
        var caller = Caller.Anybody with { Classes = ["default", "background"] };

        Assert.Equal(403, Read("x-sluice-class: interactive", "", out _, caller)!.Status);
    }

    [Fact]
    public void Priority_can_be_meant_the_other_way_round()
    {
        Assert.Null(Read("", "\"priority\":3", out var urgency, null, new() { Priority = PriorityPolarity.HigherFirst }));

        Assert.Equal("interactive", SloClasses.Default[urgency.Class].Name);
        Assert.Equal(-3, urgency.Priority);
    }

    private static ApiError? Read(
        string headers, string fields, out Urgency urgency, Caller? caller = null, GatewayOptions? options = null)
    {
        var dictionary = new HeaderDictionary();
        foreach (var line in headers.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            dictionary.Append(line[..line.IndexOf(':')], line[(line.IndexOf(':') + 2)..]);
        var body = Encoding.UTF8.GetBytes(fields.Length == 0 ? """{"model":"m"}""" : $$"""{"model":"m",{{fields}}}""");
        Assert.True(BodyFacts.TryRead(body, out var facts, out _));
        return new UrgencyReader(options ?? new()).Read(dictionary, in facts, caller ?? Caller.Anybody, out urgency);
    }
}
