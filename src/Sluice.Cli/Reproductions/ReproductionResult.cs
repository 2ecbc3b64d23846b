using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>A claim of a paper beside what came out here.</summary>
/// <param name="Paper">The paper's figure, and how it is known.</param>
/// <param name="Ours">Our figure, as text.</param>
/// <param name="Agrees">By a rule of <see cref="Agreement"/>. False also for what was not reproduced; the note says
/// so.</param>
/// <param name="Note">How it was measured; where it disagrees, the reason.</param>
public sealed record ReproductionRow(string Claim, PaperFigure Paper, string Ours, bool Agrees, string Note);

/// <param name="Sections">What the report shows below the rows.</param>
public sealed record ReproductionResult(IReadOnlyList<ReproductionRow> Rows, IReadOnlyList<PageSection> Sections);
