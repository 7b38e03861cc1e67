namespace Mdl.Runtime.Models;

/// <summary>Some consecutive tokens of one sequence in a run of an inference program.</summary>
/// <param name="Slot">The place of the sequence in the cache.</param>
/// <param name="Past">Tokens of the sequence before these; their keys and values come from the cache.</param>
/// <param name="Count">Tokens, at positions Past .. Past + Count - 1.</param>
/// <param name="Wanted">Where not all logits are asked for: those of how many of the last tokens.</param>
public readonly record struct SequenceRun(int Slot, int Past, int Count, int Wanted = 1);
