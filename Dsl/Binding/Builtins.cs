using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>
/// A function that the compiler knows. Parameters are filled by position, then by name; the first <paramref name="Required"/> must be given.
/// A variadic one takes any number of positional values before its named parameters.
/// </summary>
internal sealed record Builtin(
    string Name, EquatableArray<string> Parameters, int Required, bool IsVariadic, Func<Elaborator, BuiltinCall, Entity> Apply);

/// <summary>A call of a built-in function: its values by parameter, null where not given.</summary>
internal sealed record BuiltinCall(Builtin Builtin, ExpressionSyntax?[] Values, ExpressionSyntax[] Variadic, CallSyntax Syntax, Frame Frame)
{
    public ExpressionSyntax? this[string parameter]
    {
        get
        {
            for (var i = 0; i < Builtin.Parameters.Count; i++)
            {
                if (Builtin.Parameters[i] == parameter)
                {
                    return Values[i];
                }
            }

            throw new ArgumentException($"{Builtin.Name} has no parameter {parameter}", nameof(parameter));
        }
    }
}
