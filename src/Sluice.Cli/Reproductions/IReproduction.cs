namespace Sluice.Cli;

/// <summary>The experiments of one published system, run again here. To add one: write its folder, add its line to
/// <see cref="ReproductionCatalog"/>.</summary>
public interface IReproduction
{
    /// <summary>As in <c>sluice reproduce NAME</c>.</summary>
    string Name { get; }

    /// <summary>Title of the paper, with authors and venue.</summary>
    string Title { get; }

    /// <summary>What the paper shows, in one sentence.</summary>
    string About { get; }

    /// <summary>Runs everything. Equal contexts give equal results on any number of cores.</summary>
    ReproductionResult Run(ReproductionContext context);
}
