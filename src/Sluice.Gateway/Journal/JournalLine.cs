using System.Text.Json;
using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>One ended request as a line of the journal: a JSON object in the simulator's own trace format, with what it was promised
/// and what it got. So a journal is a trace, and any policy can be tried on it.</summary>
/// <param name="At">When it ended.</param>
/// <param name="Outcome">finished, cancelled, failed or rejected.</param>
internal sealed record JournalLine(
    string Outcome, string Model, string Class, int Tenant, Slo Slo, Instant ArrivedAt, Instant DispatchedAt, Instant FirstTokenAt,
    Instant At, int PromptTokens, int OutputTokens, string Engine, int Evictions, bool IsMet)
{
    /// <param name="epoch">Of the gateway's time line [s since 1970].</param>
    /// <param name="policy">The system that ordered the queue.</param>
    /// <param name="settings">Of that system, as <c>key=value,key=value</c>.</param>
    public void Write(Utf8JsonWriter json, double epoch, string policy, string settings)
    {
        json.WriteStartObject();
        json.WriteNumber("arrived_at"u8, Math.Round(epoch + ArrivedAt.Seconds, 6));
        json.WriteNumber("num_prefill_tokens"u8, PromptTokens);
        json.WriteNumber("num_decode_tokens"u8, OutputTokens);
        json.WriteString("model"u8, Model);
        json.WriteString("class"u8, Class);
        json.WriteString("tenant"u8, $"tenant-{Tenant}");
        Promise("slo_ttft_ms"u8, Slo.Ttft);
        Promise("slo_tpot_ms"u8, Slo.Tpot);
        Promise("slo_e2e_ms"u8, Slo.E2e);
        json.WriteString("outcome"u8, Outcome);
        Span("wait_ms"u8, DispatchedAt);
        Span("ttft_ms"u8, FirstTokenAt);
        Span("e2e_ms"u8, At);
        json.WriteString("engine"u8, Engine);
        json.WriteNumber("evictions"u8, Evictions);
        json.WriteBoolean("met_slo"u8, IsMet);
        json.WriteString("policy"u8, policy);
        json.WriteString("policy_set"u8, settings);
        json.WriteEndObject();

        void Promise(ReadOnlySpan<byte> name, TimeSpan promise)
        {
            if (promise != TimeSpan.MaxValue) json.WriteNumber(name, promise.TotalMilliseconds);
        }

        void Span(ReadOnlySpan<byte> name, Instant at)
        {
            if (at != Instant.Never) json.WriteNumber(name, Math.Round((at - ArrivedAt).TotalMilliseconds, 3));
        }
    }
}
