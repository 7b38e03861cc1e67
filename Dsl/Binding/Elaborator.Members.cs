using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary><c>embed.weight</c>: a parameter of a block, for sharing it.</summary>
internal sealed partial class Elaborator
{
    private Entity EvaluateMember(MemberSyntax syntax, Frame frame)
    {
        switch (Evaluate(syntax.Operand, frame))
        {
            case Poison poison:
                return poison;
            case Instance { Template.Declaration.Syntax: BlockSyntax block } instance:
                return Member(instance, block, syntax, frame);
            case var other:
                return Fail(frame, DiagnosticIds.WrongKind, syntax.Span, $"{frame.Quote(syntax.Operand.Span)} is {other.Kind} and has no members");
        }
    }

    private Entity Member(Instance instance, BlockSyntax block, MemberSyntax syntax, Frame frame)
    {
        var name = syntax.Member.Text;
        var inside = new Frame(instance.Template.Declaration, frame.Region, instance.Home) { Caller = frame, CallSpan = syntax.Span };
        foreach (var argument in instance.Template.Arguments)
        {
            inside.Names[argument.Key] = argument.Value;
        }

        foreach (var statement in block.Body)
        {
            switch (statement)
            {
                case ParamSyntax param when param.Name.Text == name:
                    return MemberParameter(
                        param.Name, param.Type, () => MakeParameter(param.Name, param.Type, param.Initial, param.Doc, false, param.Span, inside), inside, frame, syntax);
                case StateSyntax state when state.Name.Text == name:
                    return MemberParameter(
                        state.Name, state.Type, () => MakeParameter(state.Name, state.Type, state.Initial, state.Doc, true, state.Span, inside), inside, frame, syntax);
                case LetSyntax let when let.Name.Text == name:
                    return Settle(Evaluate(let.Value, inside), let, inside);
            }
        }

        var members = block.Body.Select(s => s switch { ParamSyntax p => p.Name.Text, StateSyntax s2 => s2.Name.Text, LetSyntax l => l.Name.Text, _ => "" });
        return Fail(
            frame, DiagnosticIds.UnknownName, syntax.Member.Span,
            $"`{block.Name}` has no parameter or block `{name}`{Suggestion.Hint(name, members.Where(m => m.Length > 0))}");
    }

    private Entity MemberParameter(Name name, TypeSyntax type, Func<Entity> make, Frame inside, Frame frame, MemberSyntax syntax)
    {
        if (Parameters.Find(KeyOf(inside.Home, name.Text)) is { } known)
        {
            return Seen(known, inside.Home, syntax.Span, frame);
        }

        // Before the first call only sizes that are arguments are known.
        var unknown = type.Shape.OfType<NameSyntax>().FirstOrDefault(s => inside.Find(s.Text) is null);
        return unknown is null
            ? make()
            : Fail(
                frame,
                DiagnosticIds.NotKnownAtBuildTime,
                syntax.Span,
                $"the size `{unknown.Text}` of {frame.Quote(syntax.Span)} is known once {frame.Quote(syntax.Operand.Span)} has been called");
    }
}
