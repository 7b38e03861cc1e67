namespace Mdl.Runtime.Generation;

/// <summary>What a <see cref="SessionPool"/> has done so far.</summary>
/// <param name="Opened">Sessions.</param>
/// <param name="Steps">Runs of the model.</param>
/// <param name="PromptTokens">Tokens of all prompts.</param>
/// <param name="ReusedTokens">Those of them that were in the cache already.</param>
/// <param name="ComputedTokens">Tokens that the model ran.</param>
/// <param name="DrawnTokens">Tokens that were drawn.</param>
/// <param name="Drafted">Tokens that multi-token prediction proposed.</param>
/// <param name="Accepted">Those of them that the model took.</param>
public readonly record struct SessionStatistics(
    long Opened, long Steps, long PromptTokens, long ReusedTokens, long ComputedTokens, long DrawnTokens, long Drafted, long Accepted);
