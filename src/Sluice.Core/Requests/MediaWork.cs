namespace Sluice.Core;

public enum MediaKind : byte { None, Image, Video, Audio }

/// <summary>Work a request brings besides text: files to prepare, and tokens its encoder must produce before
/// prefill.</summary>
/// <param name="EncoderTokens">Prompt tokens that come out of the encoder; they are part of the request's
/// <see cref="Request.PromptTokens"/>.</param>
/// <param name="Preparation">Fetching, decoding and resizing on the host, before the engine can see the request.</param>
public sealed record MediaWork(MediaKind Kind, int Items, int EncoderTokens, TimeSpan Preparation);
