namespace Mdl.Runtime.Generation;

/// <summary>What a <see cref="Generator"/> has done so far.</summary>
/// <param name="Runs">Runs of the model that drew tokens.</param>
/// <param name="DrawnTokens">Tokens that were drawn.</param>
/// <param name="Drafted">Tokens that multi-token prediction proposed.</param>
/// <param name="Accepted">Those of them that the model took.</param>
public readonly record struct GenerationStatistics(long Runs, long DrawnTokens, long Drafted, long Accepted)
{
    /// <summary>The share of proposed tokens that the model took; 0 if there are none.</summary>
    public double AcceptanceRate => Drafted == 0 ? 0 : (double)Accepted / Drafted;

    /// <summary>Tokens that a run of the model drew on average.</summary>
    public double TokensPerRun => Runs == 0 ? 0 : (double)DrawnTokens / Runs;
}
