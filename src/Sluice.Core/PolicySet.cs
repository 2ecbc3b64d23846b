namespace Sluice.Core;

/// <summary>The policies of one dispatcher, a stage each. An instance belongs to one dispatcher and may keep private
/// state.</summary>
public sealed record PolicySet(IAdmissionPolicy Admission, ILengthPredictor Lengths, IGlobalScheduler Scheduler);

/// <summary>A fixed key per request, smaller first; ties go by arrival.</summary>
public interface IRequestOrder
{
    long KeyOf(Request request);
}
